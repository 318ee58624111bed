"""Facebook: how full a limit is, and when an account rests."""

import pytest

from channels.http import Answer
from channels.meta.usage import LONGEST_S, Pace, Usage, rest_s, usage

PACE = Pace(95.0, 60.0)
BUSINESS = "X-Business-Use-Case-Usage"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, Usage()),
        ({"X-App-Usage": '{"call_count": 28, "total_cputime": 96, "total_time": 25}'}, Usage(96.0, 0.0)),
        ({"X-Page-Usage": '{"call_count": 101}'}, Usage(101.0, 0.0)),
        (
            {BUSINESS: '{"1": [{"call_count": 99, "estimated_time_to_regain_access": 5}], "2": [{"total_time": 3}]}'},
            Usage(99.0, 300.0),
        ),
        ({BUSINESS: '{"1": [{"estimated_time_to_regain_access": 999999}]}'}, Usage(0.0, LONGEST_S)),
        ({BUSINESS: '{"1": [{"call_count": NaN, "total_time": -1, "total_cputime": true}]}'}, Usage()),
        ({BUSINESS: '{"1": [7], "2": 8}', "X-App-Usage": "[]"}, Usage()),
        ({BUSINESS: "{"}, Usage()),
    ],
)
def test_the_fullest_limit_counts(headers, expected):
    """Percent and minutes are read from all three headers; what is not as documented counts for nothing."""
    assert usage(Answer(200, headers, b"", 1.0)) == expected


@pytest.mark.parametrize(
    ("header", "throttled", "wait_s"),
    [
        ('{"1": [{"call_count": 94}]}', False, None),
        ('{"1": [{"call_count": 95}]}', False, 60.0),
        ('{"1": [{"call_count": 3, "estimated_time_to_regain_access": 2}]}', False, 120.0),
        ("", True, 60.0),
        ('{"1": [{"estimated_time_to_regain_access": 0}]}', True, 60.0),
    ],
)
def test_an_account_rests_near_a_limit(header, throttled, wait_s):
    """Facebook's own time first; without one, the account's."""
    assert rest_s(Answer(200, {BUSINESS: header}, b"", 1.0), PACE, throttled=throttled) == wait_s
