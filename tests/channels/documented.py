"""What each platform's documentation says of refused posts, and the verdict that each refusal proves.

Where the reference calls a 5xx safe to repeat because of a key, the adapter says ``in_doubt`` and repeats: what is up
is the same (rule 3 of the contract).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from channels.conformance import Documented
from channels.contract import Verdict

NO, WAIT, OPEN = Verdict.REJECTED, Verdict.DEFERRED, Verdict.IN_DOUBT


def _all(verdict: Verdict, *answers: tuple[int, Any]) -> tuple[Documented, ...]:
    return tuple(
        Documented(status, body if isinstance(body, str) else json.dumps(body), verdict) for status, body in answers
    )


def _problem(name: str) -> dict[str, str]:
    return {"title": name, "detail": name, "type": f"https://api.twitter.com/2/problems/{name}"}


def _graph(code: int, subcode: int | None = None) -> dict[str, Any]:
    known = {"message": "no", "type": "OAuthException", "code": code, "fbtrace_id": "A1"}
    return {"error": known if subcode is None else {**known, "error_subcode": subcode}}


def _tiktok(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "no", "log_id": "20261121A"}}


def _notify(status: int, error: str) -> tuple[int, Any]:
    return status, {"status_code": status, "errors": [{"error": error, "message": "no"}]}


def _google(status: int, reason: str) -> tuple[int, Any]:
    known = {"message": "no", "domain": "youtube", "reason": reason}
    return status, {"error": {"code": status, "message": "no", "errors": [known]}}


X = (  # reference: platforms 3.6
    *_all(NO, (400, _problem("invalid-request")), (401, _problem("not-authorized-for-resource"))),
    *_all(NO, (402, _problem("credits")), (403, _problem("client-forbidden")), (429, _problem("usage-capped"))),
    *_all(WAIT, (429, _problem("rate-limit-exceeded"))),
    *_all(OPEN, (500, ""), (502, ""), (503, ""), (504, "")),
)
BLUESKY = (  # reference: platforms 6
    *_all(NO, *((401, {"error": name}) for name in ("AuthenticationRequired", "AuthFactorTokenRequired"))),
    *_all(NO, *((400, {"error": name}) for name in ("AccountTakedown", "RepoDeactivated", "InvalidRequest"))),
    *_all(NO, *((400, {"error": name}) for name in ("InvalidRecord", "BlobTooLarge"))),
    *_all(WAIT, (429, {"error": "RateLimitExceeded"})),
    *_all(OPEN, (400, {"error": "InvalidSwap"}), (502, {"error": "UpstreamFailure"}), (503, ""), (504, "")),
)
MASTODON = (  # reference: platforms 7
    *_all(NO, *((status, {"error": "no"}) for status in (401, 403, 404, 422))),
    *_all(WAIT, (429, {"error": "Too many requests"})),
    *_all(OPEN, (500, {"error": "no"}), (503, "")),
)
GRAPH = (  # reference: platforms 4.1
    *_all(NO, *((400, _graph(code)) for code in (3, 10, 100, 102, 190, 200, 299, 368, 1609005))),
    *_all(NO, *((400, _graph(190, subcode)) for subcode in (458, 459, 460, 463, 464, 467))),
    *_all(NO, *((400, _graph(100, subcode)) for subcode in (33, 1366046, 1346003, 1404102, 1404078))),
    *_all(WAIT, *((403, _graph(code)) for code in (4, 17, 32, 341, 613, 80001)), (400, _graph(368, 1390008))),
    *_all(OPEN, (500, _graph(1)), (500, _graph(2)), *((400, _graph(100, code)) for code in (1363047, 1609010))),
)
INSTAGRAM = (  # reference: platforms 4.3
    *GRAPH,
    *_all(NO, (400, _graph(9, 2207042)), (400, _graph(25, 2207050)), (400, _graph(352, 2207026))),
    *_all(NO, *((400, _graph(100, subcode)) for subcode in (2207023, 2207028))),
    *_all(NO, (400, _graph(36000, 2207004)), (400, _graph(36001, 2207005))),
    *_all(NO, (400, _graph(36003, 2207009)), (400, _graph(36004, 2207010))),
    *_all(WAIT, (403, _graph(80002)), (400, _graph(-2, 2207003)), (400, _graph(-2, 2207020))),
    *_all(WAIT, (400, _graph(-1, 2207032)), (400, _graph(-1, 2207053)), (400, _graph(24, 2207008))),
    *_all(WAIT, (400, _graph(24, 2207006)), (400, _graph(9004, 2207052)), (400, _graph(9007, 2207027))),
    *_all(OPEN, (500, _graph(-1, 2207001)), (400, _graph(4, 2207051))),
)
NOTIFY = (  # reference: emergency-alerts 4
    *_all(NO, _notify(400, "BadRequestError"), _notify(400, "ValidationError"), _notify(403, "AuthError")),
    *_all(NO, _notify(429, "TooManyRequestsError")),
    *_all(WAIT, _notify(429, "RateLimitError")),
    *_all(OPEN, _notify(500, "Exception"), (503, "")),
)
WEBHOOK = (  # reference: platforms 10
    *_all(NO, (301, ""), (400, {}), (401, {}), (404, {}), (410, {})),
    *_all(WAIT, (429, {})),
    *_all(OPEN, (500, {}), (502, ""), (504, "")),
)
PRESS_EMAIL = (  # RFC 5321, 4.2.3: replies to the end of data
    *_all(NO, (552, "5.2.2 mailbox full"), (554, "5.7.1 refused"), (550, "5.7.1 refused")),
    *_all(WAIT, (421, "4.3.2 closing"), (451, "4.3.0 local error"), (452, "4.3.1 no room"), (450, "4.2.0 busy")),
)
TIKTOK = (  # reference: platforms 1.7
    *_all(
        NO, *((400, _tiktok(code)) for code in ("invalid_param", "app_version_check_failed", "invalid_file_upload"))
    ),
    *_all(NO, (400, _tiktok("scope_permission_missed")), (401, _tiktok("scope_not_authorized"))),
    *_all(NO, *((403, _tiktok(f"spam_risk_{why}")) for why in ("too_many_posts", "user_banned_from_posting"))),
    *_all(NO, (403, _tiktok("spam_risk_too_many_pending_share")), (403, _tiktok("reached_active_user_cap"))),
    *_all(NO, (403, _tiktok("unaudited_client_can_only_post_to_private_accounts"))),
    *_all(NO, (403, _tiktok("url_ownership_unverified"))),
    *_all(WAIT, (429, _tiktok("rate_limit_exceeded")), (403, _tiktok("privacy_level_option_mismatch"))),
    *_all(OPEN, (500, _tiktok("internal_error")), (502, ""), (503, ""), (504, "")),
)
YOUTUBE = (  # reference: platforms 5
    *_all(NO, *(_google(400, f"invalid{what}") for what in ("Title", "Description", "Tags", "CategoryId"))),
    *_all(NO, *(_google(400, f"invalid{what}") for what in ("PublishAt", "Filename", "RecordingDetails"))),
    *_all(NO, *(_google(400, f"invalid{what}") for what in ("VideoMetadata", "VideoGameRating"))),
    *_all(NO, *(_google(400, why) for why in ("mediaBodyRequired", "defaultLanguageNotSet", "uploadLimitExceeded"))),
    *_all(NO, _google(401, "authError"), _google(401, "youtubeSignupRequired"), _google(404, "videoNotFound")),
    *_all(NO, *(_google(403, f"forbidden{what}") for what in ("", "PrivacySetting", "LicenseSetting"))),
    *_all(NO, *(_google(403, why) for why in ("insufficientPermissions", "accessNotConfigured"))),
    *_all(NO, *(_google(403, why) for why in ("quotaExceeded", "dailyLimitExceeded"))),
    *_all(WAIT, _google(403, "rateLimitExceeded"), _google(403, "userRateLimitExceeded"), _google(429, "any")),
    *_all(OPEN, _google(500, "backendError"), _google(503, "backendError"), (502, ""), (504, ""), (403, "")),
)
DOCUMENTED: Mapping[str, tuple[Documented, ...]] = {
    "x": X,
    "bluesky": BLUESKY,
    "mastodon": MASTODON,
    "facebook": GRAPH,
    "threads": GRAPH,
    "instagram": INSTAGRAM,
    "notify": NOTIFY,
    "webhook": WEBHOOK,
    "press_email": PRESS_EMAIL,
    "tiktok": TIKTOK,
    "youtube": YOUTUBE,
}
