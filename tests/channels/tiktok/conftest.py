"""Fixtures of the hand-off: a fixed packet, reproducible randomness, and a real Chromium without a network."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, sync_playwright

from channels.contract import Json, Secret
from channels.tiktok import codes
from channels.tiktok.handoff import SCHEMA, SETTINGS, format_time
from channels.tiktok.packet import seal

CHROMIUM_ARGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)

MakeContents = Callable[..., dict[str, Json]]
SealPacket = Callable[..., bytes]
ChangeHeader = Callable[..., bytes]


@pytest.fixture(scope="session")
def issued_at() -> datetime:
    """When the code was issued."""
    return datetime(2026, 11, 21, 18, 5, tzinfo=UTC)


@pytest.fixture(scope="session")
def device_secret() -> Secret:
    """The secret of the registered device."""
    return codes.device_secret(random.Random(1).randbytes)


@pytest.fixture(scope="session")
def other_device_secret() -> Secret:
    """A well-formed secret of another device."""
    return codes.device_secret(random.Random(2).randbytes)


@pytest.fixture(scope="session")
def code() -> str:
    """The release code of the packet."""
    return codes.release_code(random.Random(3).randbytes)


def caption(language: str, text: str) -> Json:
    return {"language": language, "text": text}


@pytest.fixture(scope="session")
def make_contents(issued_at: datetime) -> MakeContents:
    """Makes a live task in two languages, with changes."""

    def make(**changes: Json) -> dict[str, Json]:
        values: dict[str, Json] = {
            "schema": SCHEMA,
            "reference": "H-7K3QM-2F9XD",
            "delivery": "dlv-0001",
            "kind": "publish",
            "exercise": False,
            "handle": "@ukgov",
            "captions": [
                caption("en", "Severe flood warning: River Severn.\n\nMove upstairs <b>now</b> &amp; stay there 🌊"),
                caption("cy", "Rhybudd llifogydd difrifol: Afon Hafren.\n\nEwch i fyny’r grisiau nawr. Tŷ, dŵr."),
            ],
            "settings": dict(SETTINGS),
            "disclosure": "Content disclosure: off. Official public message of Example Office, not an advertisement.",
            "steps": ["Open TikTok on this device.", "Copy the caption and paste it.", "Compare, then post."],
            "report": "Report the link of the new post. Both operators sign the receipt.",
            "valid_until": format_time(issued_at + timedelta(hours=6)),
            "not_after": format_time(issued_at + timedelta(hours=2)),
            "original": None,
        }
        return values | changes

    return make


@pytest.fixture(scope="session")
def seal_packet(make_contents: MakeContents, issued_at: datetime, device_secret: Secret, code: str) -> SealPacket:
    """Seals contents for ten minutes from ``issued_at``, with changes to what ``seal`` is given."""

    def make(contents: dict[str, Json] | None = None, **changes: object) -> bytes:
        values: dict[str, object] = {
            "device": "press-office-phone-1",
            "device_secret": device_secret,
            "code": code,
            "random_bytes": random.Random(4).randbytes,
            "issued_at": issued_at,
            "expires_at": issued_at + timedelta(minutes=10),
            "not_after": issued_at + timedelta(hours=2),
        }
        return seal(contents or make_contents(), **(values | changes))  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def change_header() -> ChangeHeader:
    """Rewrites the header of a packet, as somebody who carries the file could."""

    def change(html: bytes, **changes: Json) -> bytes:
        found = re.search(rb'id="packet">(.*?)</script>', html)
        assert found is not None
        data = json.loads(found[1])
        header = json.loads(b64decode(data["header"])) | changes
        canonical = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
        changed = json.dumps(data | {"header": b64encode(canonical).decode()}, sort_keys=True, separators=(",", ":"))
        return html.replace(found[1], changed.encode())

    return change


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real Chromium; its absence is a failure where CI_STRICT is set and a skip elsewhere.

    It lives for one module: while it does, asyncio.run cannot be used in the same thread.
    """
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        if os.environ.get("CI_STRICT"):
            pytest.fail("Chromium is missing: install the package chromium")
        pytest.skip("Chromium is missing: the hand-off page is NOT tested")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGS.split())
        yield browser
        browser.close()
