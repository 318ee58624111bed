"""GOV.UK Notify, simulated from its documentation (reference: emergency-alerts 4).

Any service id is a service; its key is :func:`api_key`. There are one template of text messages, ``((message))``, one
of e-mail, ``((subject))`` over ``((message))``, one sender, and one address for answers.
``reference`` is no idempotency key here either: two POSTs with one reference are two messages, which is how the
journal counts a double. Smoke recipients are validated and answered, and no message is made.

What a test may arrange: ``limits`` by service, and ``templates``.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

import jwt
from aiohttp import web

from channels.contract import Clock, Secret
from channels.notify.simulator_rules import Refusal, Template, check_uuid, filled, invalid, read_object, validated
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.journal import Effect, EffectKind, Journal
from channels.simulator.provider import Example, Provider, Route, RouteKind

TEMPLATE_ID = "9c6a3a1e-7a3f-4f9d-9a65-2f5d0a6c8b10"
EMAIL_TEMPLATE_ID = "3f0d4f7c-2b1e-4c53-8f3a-71d7b1f5b0aa"
SMOKE = frozenset(
    {"+447700900000", "+447700900111", "+447700900222"}
    | {f"simulate-delivered{which}@notifications.service.gov.uk" for which in ("", "-2", "-3")}
)
PAGE_SIZE = 250

_FATES = {
    "+447700900003": "temporary-failure",
    "+447700900002": "permanent-failure",
    "temp-fail@simulator.notify": "temporary-failure",
    "perm-fail@simulator.notify": "permanent-failure",
}
_FROM = "city@notifications.service.gov.uk"
_FILTERS = frozenset({"reference", "status", "template_type", "older_than", "include_jobs"})
_CLOCK = "Error: Your system clock must be accurate to within 30 seconds"


def api_key(service: str) -> str:
    """The API key of a service of this Notify."""
    return f"simulated-{service}-{_secret(service)}"


@dataclass(frozen=True, slots=True)
class Message:
    """One message that Notify took; the recipient is kept only as far as its own answers show it."""

    id: str
    service: str
    type: str
    reference: str | None
    recipient: str
    body: str
    subject: str | None
    template: str
    effect: Effect


@dataclass(slots=True)
class Limits:
    """What a service may send; None is no limit."""

    per_minute: int | None = None
    per_day: int | None = None
    sent: list[datetime] = field(default_factory=list)


class Notify(Provider):
    """The API; ``messages`` holds what was taken, oldest first."""

    name: ClassVar[str] = "notify"

    def __init__(self, journal: Journal, clock: Clock) -> None:
        super().__init__(journal, clock)
        self.messages: list[Message] = []
        self._by_reference: defaultdict[str | None, list[Message]] = defaultdict(list)
        self.templates = {
            TEMPLATE_ID: Template("sms", "((message))"),
            EMAIL_TEMPLATE_ID: Template("email", "((message))", "((subject))"),
        }
        self.limits: defaultdict[str, Limits] = defaultdict(Limits)

    def routes(self) -> Sequence[Route]:
        """Sending, the two ways of reading, and the preview."""
        return [
            Route("POST", "/v2/notifications/{type:sms|email}", RouteKind.PUBLISH, self._guarded(self.send)),
            Route("GET", "/v2/notifications", RouteKind.READ, self._guarded(self.list)),
            Route("GET", "/v2/notifications/{id}", RouteKind.READ, self._guarded(self.show)),
            Route("POST", "/v2/template/{id}/preview", RouteKind.READ, self._guarded(self.preview)),
        ]

    @classmethod
    def example(cls, address: str, name: str = "26785a09-ab16-4eb0-8407-a37497a57506") -> Example:
        """An account of its own."""
        settings = {"base_url": address, "template_id": TEMPLATE_ID}
        secrets = {"api_key": Secret(api_key(name))}
        return Example("CityAlert", settings, secrets, Secret("07700900123"))

    def account(self, request: web.Request) -> str:
        """The service named by the token, believed only by the handlers that check it."""
        try:
            claims = jwt.decode(_token(request), options={"verify_signature": False})
        except jwt.InvalidTokenError:
            return ""
        return str(claims.get("iss", ""))

    def key(self, body: bytes) -> str:
        """The reference."""
        try:
            return str(json.loads(body).get("reference", ""))
        except (ValueError, AttributeError):
            return ""

    def refusal(self, fault: Fault) -> web.Response:
        """The per-minute limit, with the hint that only an edge before Notify would add; or the wrong clock."""
        if fault.kind is FaultKind.THROTTLE:
            answer = _rate_limited(3000).answer
            if fault.delay_s:
                answer.headers["Retry-After"] = str(int(fault.delay_s))
            return answer
        if fault.kind is FaultKind.TOKEN_EXPIRED:
            return Refusal(403, "AuthError", _CLOCK).answer
        return super().refusal(fault)

    async def send(self, request: web.Request, service: str) -> web.Response:
        """POST /v2/notifications/sms and /v2/notifications/email."""
        self._check_limits(service)
        kind, body = request.match_info["type"], await read_object(request)
        recipient = validated(body, kind)
        template = self.templates.get(body["template_id"])
        if template is None:
            raise Refusal(400, "BadRequestError", "Template not found")
        if template.type != kind:
            raise Refusal(400, "BadRequestError", f"{template.type} template is not suitable for {kind} notification")
        text, subject = filled(template, body.get("personalisation", {}))
        name, reference = str(uuid.uuid4()), body.get("reference")
        if recipient not in SMOKE:
            key = reference or name
            effect = self.act(request, EffectKind.PUBLISHED, key=key, reference=name, text=text)
            message = Message(name, service, kind, reference, recipient, text, subject, body["template_id"], effect)
            self.messages.append(message)
            self._by_reference[reference].append(message)
        self.limits[service].sent.append(self.clock())
        sender = {"from_number": "GOVUK"} if kind == "sms" else {"from_email": _FROM, "subject": subject}
        return web.json_response(
            {
                "id": name,
                "reference": reference,
                "content": {"body": text, **sender},
                "uri": f"{_root(request)}/v2/notifications/{name}",
                "template": _template(request, body["template_id"]),
                "scheduled_for": None,
            },
            status=201,
        )

    async def list(self, request: web.Request, service: str) -> web.Response:
        """GET /v2/notifications: newest first, 250 per page, older ones by ``older_than``."""
        strange = sorted(set(request.query) - _FILTERS)
        if strange:
            raise invalid(f"Additional properties are not allowed ({', '.join(strange)} was unexpected)")
        asked = request.query.get("reference")
        among = self.messages if asked is None else self._by_reference.get(asked, [])
        found = [message for message in reversed(among) if self._shown(message, service)]
        older_than = request.query.get("older_than")
        if older_than:
            check_uuid(older_than, "older_than")
            ids = [message.id for message in found]
            found = found[ids.index(older_than) + 1 :] if older_than in ids else []
        found = [message for message in found if self._matches(message, request)][:PAGE_SIZE]
        links = {"current": str(request.url)}
        if found:
            links["next"] = str(request.url.update_query(older_than=found[-1].id))
        return web.json_response({"notifications": [self._row(request, one) for one in found], "links": links})

    async def show(self, request: web.Request, service: str) -> web.Response:
        """GET /v2/notifications/{id}."""
        name = request.match_info["id"]
        check_uuid(name, "notification_id")
        for message in self.messages:
            if message.id == name and self._shown(message, service):
                return web.json_response(self._row(request, message))
        raise Refusal(404, "NoResultFound", "No result found")

    async def preview(self, request: web.Request, service: str) -> web.Response:
        """POST /v2/template/{id}/preview: what the text would be; nothing is sent."""
        del service
        name, body = request.match_info["id"], await read_object(request)
        check_uuid(name, "id")
        template = self.templates.get(name)
        if template is None:
            raise Refusal(404, "NoResultFound", "No result found")
        text, subject = filled(template, body.get("personalisation", {}))
        answer = {"id": name, "type": template.type, "version": 1, "body": text, "html": None, "subject": subject}
        return web.json_response({**answer, "postage": None})

    def _guarded(self, handler: Any) -> Any:
        async def handle(request: web.Request) -> web.Response:
            try:
                answer: web.Response = await handler(request, self._service(request))
            except Refusal as refusal:
                return refusal.answer
            return answer

        return handle

    def _service(self, request: web.Request) -> str:
        if not _token(request):
            raise Refusal(401, "AuthError", "Unauthorized: authentication token must be provided")
        service = self.account(request)
        try:
            check_uuid(service, "iss")
            options: Any = {"verify_iat": False}
            claims = jwt.decode(_token(request), _secret(service), algorithms=["HS256"], options=options)
            issued = int(claims["iat"])
        except (jwt.InvalidTokenError, Refusal, KeyError, ValueError):
            raise Refusal(403, "AuthError", "Invalid token: API key not found") from None
        if abs(self.clock().timestamp() - issued) > 30:
            raise Refusal(403, "AuthError", _CLOCK)
        return service

    def _check_limits(self, service: str) -> None:
        now, limits = self.clock(), self.limits[service]
        recent = [at for at in limits.sent if now - at < timedelta(minutes=1)]
        if limits.per_minute is not None and len(recent) >= limits.per_minute:
            raise _rate_limited(limits.per_minute)
        if limits.per_day is not None and len(limits.sent) >= limits.per_day:
            raise Refusal(429, "TooManyRequestsError", f"Exceeded send limits ({limits.per_day}) for today")

    def _shown(self, message: Message, service: str) -> bool:
        return message.service == service and message.effect.visible(self.clock())

    def _matches(self, message: Message, request: web.Request) -> bool:
        query = request.query
        return (
            query.get("reference") in {None, message.reference}
            and ("status" not in query or _status(message) in query.getall("status"))
            and ("template_type" not in query or message.type in query.getall("template_type"))
        )

    def _row(self, request: web.Request, message: Message) -> dict[str, Any]:
        at = message.effect.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        address = dict.fromkeys([*(f"line_{line}" for line in range(1, 7)), "postcode"])
        return {
            **address,
            "id": message.id,
            "reference": message.reference,
            "phone_number": message.recipient if message.type == "sms" else None,
            "email_address": message.recipient if message.type == "email" else None,
            "type": message.type,
            "status": _status(message),
            "template": _template(request, message.template),
            "body": message.body,
            "subject": message.subject,
            "created_at": at,
            "created_by_name": None,
            "sent_at": at,
            "completed_at": at,
            "scheduled_for": None,
        }


def _secret(service: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"simulated-notify/{service}"))


def _token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.title() == "Bearer" else ""


def _root(request: web.Request) -> str:
    return f"{request.url.origin()}/notify"


def _template(request: web.Request, name: str) -> dict[str, Any]:
    return {"id": name, "version": 1, "uri": f"{_root(request)}/v2/template/{name}"}


def _status(message: Message) -> str:
    return _FATES.get(message.recipient, "delivered")


def _rate_limited(limit: int) -> Refusal:
    message = f"Exceeded rate limit for key type LIVE of {limit} requests per 60 seconds"
    return Refusal(429, "RateLimitError", message)
