"""The simulated GOV.UK Notify, driven by GOV.UK's own Python client."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from notifications_python_client.errors import HTTPError
from notifications_python_client.notifications import NotificationsAPIClient

from channels.notify import simulator
from channels.simulator.server import Simulator

SERVICE = "26785a09-ab16-4eb0-8407-a37497a57506"
TEMPLATE, EMAIL = simulator.TEMPLATE_ID, simulator.EMAIL_TEMPLATE_ID


class Client(NotificationsAPIClient):
    """GOV.UK's client, sent below the simulator's prefix."""

    def _create_request_objects(self, url: str, data: Any, params: Any) -> Any:
        return super()._create_request_objects(f"/notify{url}", data, params)


def converse(use: Callable[[Client, simulator.Notify], Any], key: str = "") -> Any:
    """Run ``use`` in a thread with a client of a fresh service."""

    async def main() -> Any:
        async with Simulator((simulator.Notify,), clock=lambda: datetime.now(UTC)) as far:
            client = Client(key or simulator.api_key(SERVICE), base_url=far.url, timeout=5)
            try:
                return await asyncio.to_thread(use, client, far.provider("notify"))
            finally:
                client.request_session.close()

    return asyncio.run(main())


def refused(use: Callable[[Client, simulator.Notify], Any], **options: Any) -> tuple[int, str, str]:
    """Status, error class and message of a call that must be refused."""
    with pytest.raises(HTTPError) as caught:
        converse(use, **options)
    first = caught.value.message[0]
    return caught.value.status_code, first["error"], first["message"]


def test_the_official_client_sends_and_reads():
    """Sending, reading by id and listing by reference work as for the real service."""

    def use(client, _notify):
        sent = client.send_sms_notification("07700900123", TEMPLATE, {"message": "Hello ŵ"}, reference="r-1")
        one = client.get_notification_by_id(sent["id"])
        return sent, one, client.get_all_notifications(reference="r-1", template_type="sms")

    sent, one, listed = converse(use)
    assert (sent["reference"], sent["content"]["body"], sent["template"]["id"]) == ("r-1", "Hello ŵ", TEMPLATE)
    assert (one["status"], one["phone_number"], one["body"]) == ("delivered", "+447700900123", "Hello ŵ")
    assert [row["id"] for row in listed["notifications"]] == [sent["id"]]


def test_the_official_client_previews():
    """A preview fills the template and sends nothing."""

    def use(client, notify):
        return client.post_template_preview(TEMPLATE, {"message": "Hello"}), notify.messages

    preview, messages = converse(use)
    assert (preview["body"], preview["type"], messages) == ("Hello", "sms", [])


def test_two_posts_with_one_reference_are_two_messages():
    """The reference is not unique in Notify."""

    def use(client, notify):
        for _ in range(2):
            client.send_sms_notification("07700900123", TEMPLATE, {"message": "Hello"}, reference="r-1")
        return notify.journal.doubled("notify"), len(client.get_all_notifications(reference="r-1")["notifications"])

    assert converse(use) == (1, 2)


def test_a_list_has_pages_of_250():
    """The official client walks them to the end."""

    def use(client, _notify):
        for number in range(251):
            client.send_sms_notification("07700900123", TEMPLATE, {"message": "Hello"}, reference=f"r-{number}")
        first = client.get_all_notifications()["notifications"]
        return first[0]["reference"], len(first), len(list(client.get_all_notifications_iterator()))

    assert converse(use) == ("r-250", 250, 251)


def test_the_official_client_sends_and_reads_e_mail():
    """With a subject, and the address as Notify keeps it."""

    def use(client, _notify):
        told = {"subject": "River", "message": "Hello ŵ"}
        sent = client.send_email_notification("News@Paper.example", EMAIL, told, reference="r-1")
        one = client.get_notification_by_id(sent["id"])
        return sent, one, client.get_all_notifications(reference="r-1", template_type="email")["notifications"]

    sent, one, listed = converse(use)
    assert (sent["content"]["subject"], sent["content"]["body"]) == ("River", "Hello ŵ")
    assert (one["type"], one["email_address"], one["phone_number"]) == ("email", "news@paper.example", None)
    assert (one["subject"], one["body"], [row["id"] for row in listed]) == ("River", "Hello ŵ", [sent["id"]])


def test_the_kinds_are_listed_apart():
    """Text messages are none of the e-mails under a reference."""

    def use(client, _notify):
        client.send_sms_notification("07700900123", TEMPLATE, {"message": "Hello"}, reference="r-1")
        return client.get_all_notifications(reference="r-1", template_type="email")["notifications"]

    assert converse(use) == []


@pytest.mark.parametrize("recipient", sorted(simulator.SMOKE))
def test_a_smoke_recipient_is_answered_and_nothing_is_made(recipient):
    """The answer looks like any other, and the message is nowhere."""

    def use(client, notify):
        told = {"subject": "River", "message": "Hello"}
        if "@" in recipient:
            sent = client.send_email_notification(recipient, EMAIL, told, reference="r-1")
        else:
            sent = client.send_sms_notification(recipient, TEMPLATE, told, reference="r-1")
        return len(sent["id"]), notify.messages, client.get_all_notifications()["notifications"]

    assert converse(use) == (36, [], [])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("123", TEMPLATE, {"message": "x"}), (400, "ValidationError", "phone_number Not enough digits")),
        (("077009001234567", TEMPLATE, {"message": "x"}), (400, "ValidationError", "phone_number Too many digits")),
        (("07700900123", "x", {"message": "x"}), (400, "ValidationError", "template_id is not a valid UUID")),
        (("07700900123", SERVICE, {"message": "x"}), (400, "BadRequestError", "Template not found")),
        (("07700900123", TEMPLATE), (400, "BadRequestError", "Missing personalisation: message")),
        (("07700900123", TEMPLATE, {"message": " "}), (400, "BadRequestError", "Your message is empty.")),
    ],
)
def test_a_bad_sending_is_refused_in_notifys_words(arguments, expected):
    """Status, class and message as Notify gives them."""
    assert refused(lambda client, _notify: client.send_sms_notification(*arguments)) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("07700900123", EMAIL), (400, "ValidationError", "email_address Not a valid email address")),
        (("a@b.example", EMAIL, {"message": "x"}), (400, "BadRequestError", "Missing personalisation: subject")),
        (
            ("a@b.example", TEMPLATE, {"message": "x"}),
            (400, "BadRequestError", "sms template is not suitable for email notification"),
        ),
    ],
)
def test_a_bad_e_mail_is_refused_in_notifys_words(arguments, expected):
    """An address that is none, a placeholder left empty, a template of the other kind."""
    assert refused(lambda client, _notify: client.send_email_notification(*arguments)) == expected


def test_an_e_mail_beyond_the_limit_is_refused():
    """Two million bytes, counted as UTF-8."""
    told = {"subject": "x", "message": "ŵ" * 1_000_001}
    status, error, message = refused(
        lambda client, _notify: client.send_email_notification("a@b.example", EMAIL, told)
    )
    assert (status, error) == (400, "BadRequestError")
    assert "2000002 bytes long" in message


def test_an_unknown_field_is_refused():
    """Notify's schema allows no additional properties."""
    body = {"phone_number": "07700900123", "template_id": TEMPLATE, "urgent": True}
    status, error, message = refused(lambda client, _notify: client.post("/v2/notifications/sms", body))
    assert (status, error) == (400, "ValidationError")
    assert "urgent was unexpected" in message


def test_a_text_beyond_the_limit_is_refused():
    """918 characters after tidying."""
    long = {"message": "a" * 919}
    status, error, message = refused(
        lambda client, _notify: client.send_sms_notification("07700900123", TEMPLATE, long)
    )
    assert (status, error) == (400, "BadRequestError")
    assert "919 characters long" in message


def test_a_strangers_key_is_refused():
    """The signature is checked against the service's own secret."""
    key = f"x-{SERVICE}-{TEMPLATE}"
    assert refused(lambda client, _notify: client.get_all_notifications(), key=key)[:2] == (403, "AuthError")


@pytest.mark.parametrize(
    ("limit", "expected"), [("per_minute", "RateLimitError"), ("per_day", "TooManyRequestsError")]
)
def test_a_limit_is_answered_with_its_own_class(limit, expected):
    """The minute's limit and the day's are both 429, told apart by class."""

    def use(client, notify):
        setattr(notify.limits[SERVICE], limit, 0)
        client.send_sms_notification("07700900123", TEMPLATE, {"message": "Hello"})

    assert refused(use)[:2] == (429, expected)


def test_an_unknown_id_is_not_found():
    """404 with Notify's class."""
    use = lambda client, _notify: client.get_notification_by_id(SERVICE)  # noqa: E731 - one call, handed on
    assert refused(use) == (404, "NoResultFound", "No result found")


def test_what_notify_cannot_send_it_rewrites():
    """Letters are downgraded and spaces tidied, and the answer tells the text as sent."""

    def use(client, _notify):
        return client.send_sms_notification("07700900123", TEMPLATE, {"message": " Zażółć  “gęślą” 🏠 . "})

    assert converse(use)["content"]["body"] == 'Zazó?c "gesla" ?.'
