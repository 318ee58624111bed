"""The packet in a real Chromium: a local file, no network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from channels.contract import Secret
from tests.packets import open_packet

pytestmark = pytest.mark.system

MakeContents = Callable[..., dict[str, Any]]
SealPacket = Callable[..., bytes]
ChangeHeader = Callable[..., bytes]

PHONE: ViewportSize = {"width": 360, "height": 740}


@dataclass
class Device:
    """The registered device: writes a packet to its disk, opens it in its browser, sees what the browser asks for."""

    page: Page
    folder: Path
    device_secret: Secret
    code: str
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def load(self, html: bytes) -> Page:
        """Open the file."""
        path = self.folder / "packet.html"
        path.write_bytes(html)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda line: self.errors.append(line.text))
        self.page.goto(path.as_uri())
        return self.page

    def open(self, html: bytes, *, secret: Secret | None = None, code: str | None = None) -> Page:
        """Open the file, type secret and code, press the button."""
        page = self.load(html)
        page.get_by_label("Device secret", exact=True).fill((secret or self.device_secret).reveal())
        page.get_by_label("Release code").fill(code or self.code)
        page.get_by_role("button", name="Open packet").click()
        return page


@pytest.fixture
def device(
    chromium: Browser, tmp_path: Path, issued_at: datetime, device_secret: Secret, code: str
) -> Iterator[Device]:
    """A device without a network whose clock stands two minutes after the code was issued."""
    context = chromium.new_context(viewport=PHONE, timezone_id="Europe/London", offline=True)
    context.set_default_timeout(10_000)
    context.clock.set_fixed_time(issued_at + timedelta(minutes=2))
    yield Device(context.new_page(), tmp_path, device_secret, code)
    context.close()


def opened(page: Page) -> None:
    """Wait until the task is shown."""
    expect(page.get_by_role("heading", level=1)).to_contain_text("this message")


def test_the_right_secret_and_code_show_the_captions_that_were_sealed(
    device: Device, seal_packet: SealPacket, device_secret: Secret, code: str
) -> None:
    """Browser and Python open the same file to the same texts, in order, each marked with its language."""
    html = seal_packet()
    page = device.open(html)
    opened(page)
    boxes = page.locator("#captions textarea")
    shown = [(box.get_attribute("lang"), box.input_value(), box.is_editable()) for box in boxes.all()]
    captions = open_packet(html, device_secret, code)["captions"]
    assert shown == [(part["language"], part["text"], False) for part in captions]


def test_the_page_says_what_to_do_with_which_settings_until_when(device: Device, seal_packet: SealPacket) -> None:
    """Steps, settings, disclosure, account, times and the report are all on the page."""
    page = device.open(seal_packet())
    opened(page)
    text = page.locator("main").inner_text()
    expected = [
        "1. Open TikTok on this device.", "Comments: off", "Duet: off", "Stitch: off", "Content disclosure: off",
        "@ukgov", "H-7K3QM-2F9XD", "dlv-0001", "21 November 2026 at 18:15 GMT", "22 November 2026 at 00:05 GMT",
        "less than 8 minutes left", "Report the link of the new post.",
    ]  # fmt: skip
    assert [words for words in expected if words not in text] == []


def test_nothing_is_asked_of_any_network(device: Device, seal_packet: SealPacket) -> None:
    """From loading to the open task the browser requests the file itself and nothing else, without an error."""
    page = device.open(seal_packet())
    opened(page)
    assert device.requests == [(device.folder / "packet.html").as_uri()]
    assert device.errors == []


def test_the_content_policy_stops_a_request_from_within_the_page(device: Device, seal_packet: SealPacket) -> None:
    """Even a script that ran in the page could not send anything out."""
    page = device.load(seal_packet())
    violated = page.evaluate(
        """() => new Promise((resolve) => {
            document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
            fetch("https://example.org/").catch(() => {});
        })"""
    )
    assert violated == "connect-src"


def test_a_wrong_code_is_refused_in_plain_words(device: Device, seal_packet: SealPacket) -> None:
    """Nothing is shown, the message says what to check, and the code field has the focus."""
    page = device.open(seal_packet(), code="00000-00000")
    expect(page.get_by_role("alert")).to_contain_text("The packet did not open. Either the release code is wrong")
    expect(page.get_by_label("Release code")).to_be_focused()
    assert page.locator("textarea").count() == 1


def test_the_secret_of_another_device_is_refused(
    device: Device, seal_packet: SealPacket, other_device_secret: Secret
) -> None:
    """The code alone opens nothing."""
    page = device.open(seal_packet(), secret=other_device_secret)
    expect(page.get_by_role("alert")).to_contain_text("the secret is that of another device")
    expect(page.locator("#opened")).to_be_hidden()


def test_a_mistyped_secret_is_told_from_a_wrong_one(device: Device, seal_packet: SealPacket) -> None:
    """The checksum catches the slip before any key is derived."""
    shown = device.device_secret.reveal()
    slip = ("0" if shown[0] != "0" else "2") + shown[1:]
    page = device.open(seal_packet(), secret=Secret(slip))
    expect(page.get_by_role("alert")).to_contain_text("A character of the device secret is wrong.")
    expect(page.get_by_label("Device secret", exact=True)).to_be_focused()


def test_a_short_code_is_told_by_its_length(device: Device, seal_packet: SealPacket) -> None:
    """The message counts what was typed."""
    page = device.open(seal_packet(), code="7K3Q")
    expect(page.get_by_role("alert")).to_have_text("The release code has 10 characters; you have entered 4.")


def test_small_letters_spaces_and_lookalikes_open_too(device: Device, seal_packet: SealPacket) -> None:
    """What the page forgives is what Python forgives."""
    typed = " " + device.code.lower().replace("-", " ").replace("0", "o").replace("1", "l") + " "
    opened(device.open(seal_packet(), code=typed))


def test_a_header_that_grants_more_time_does_not_open(
    device: Device, seal_packet: SealPacket, change_header: ChangeHeader
) -> None:
    """A later expiry gets past the clock and fails at the seal."""
    page = device.open(change_header(seal_packet(), expires_at="2026-11-22T18:15:00.000000Z"))
    expect(page.get_by_role("alert")).to_contain_text("or the file was changed on its way")


def test_a_header_with_a_weaker_derivation_is_refused(
    device: Device, seal_packet: SealPacket, change_header: ChangeHeader
) -> None:
    """The page derives keys in one way only."""
    kdf = {"name": "PBKDF2-HMAC-SHA256", "iterations": 1, "salt": "AAAAAAAAAAAAAAAAAAAAAA=="}
    page = device.load(change_header(seal_packet(), kdf=kdf))
    expect(page.get_by_role("alert")).to_contain_text("This file is damaged")


def test_an_expired_packet_asks_for_nothing_and_says_what_to_do(
    device: Device, seal_packet: SealPacket, issued_at: datetime
) -> None:
    """At the very second of expiry there is no field to type in."""
    device.page.clock.set_fixed_time(issued_at + timedelta(minutes=10))
    page = device.load(seal_packet())
    expect(page.get_by_role("alert")).to_contain_text("This packet has expired")
    expect(page.get_by_role("alert")).to_contain_text("ask the office for a new packet and a new code")
    assert page.locator("input, textarea, button").count() == 0


def test_a_slow_clock_is_refused(device: Device, seal_packet: SealPacket, issued_at: datetime) -> None:
    """Setting the clock back does not lengthen a packet's life."""
    device.page.clock.set_fixed_time(issued_at - timedelta(minutes=5))
    expect(device.load(seal_packet()).get_by_role("alert")).to_contain_text("This device's clock is slow")


def test_an_open_task_is_taken_away_when_its_time_is_over(
    device: Device, seal_packet: SealPacket, issued_at: datetime
) -> None:
    """The captions leave the page; what to report if the task is done stays."""
    page = device.open(seal_packet())
    opened(page)
    page.clock.set_fixed_time(issued_at + timedelta(minutes=10))
    expect(page.get_by_role("alert")).to_contain_text("If it is done, report it now: task H-7K3QM-2F9XD.")
    assert page.locator("textarea").count() == 0


def test_the_copy_button_puts_the_exact_caption_on_the_clipboard(
    device: Device, make_contents: MakeContents, seal_packet: SealPacket
) -> None:
    """Character for character, with a spoken confirmation."""
    device.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = device.open(seal_packet())
    page.get_by_role("button", name="Copy: Caption: Welsh").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == make_contents()["captions"][1]["text"]


def test_without_the_clipboard_the_caption_is_selected_and_copied_the_old_way(
    device: Device, make_contents: MakeContents, seal_packet: SealPacket
) -> None:
    """Where the browser offers no clipboard to files, the text ends up selected."""
    device.page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page = device.open(seal_packet())
    page.get_by_role("button", name="Copy: Caption: English").click()
    expect(page.get_by_text(re.compile("Copied|selected"))).to_be_visible()
    selected = page.evaluate(
        "(() => { const a = document.activeElement; return a.value.slice(a.selectionStart, a.selectionEnd); })()"
    )
    assert selected == make_contents()["captions"][0]["text"]


def test_the_secret_can_be_pasted_by_the_button(device: Device, seal_packet: SealPacket) -> None:
    """After pasting, the focus waits in the code field."""
    device.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = device.load(seal_packet())
    page.evaluate("text => navigator.clipboard.writeText(text)", device.device_secret.reveal())
    page.get_by_role("button", name="Paste device secret").click()
    expect(page.get_by_label("Release code")).to_be_focused()
    expect(page.get_by_label("Device secret", exact=True)).to_have_value(device.device_secret.reveal())


def test_everything_can_be_done_by_keyboard(device: Device, seal_packet: SealPacket) -> None:
    """Tab, type, Enter; Tab, Space on the first step; the heading takes the focus in between."""
    page = device.load(seal_packet())
    page.keyboard.press("Tab")
    page.keyboard.type(device.device_secret.reveal())
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type(device.code)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Post this message")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_role("checkbox", name="1. Open TikTok on this device.")).to_be_checked()


def test_every_field_has_a_name_for_a_screen_reader(device: Device, seal_packet: SealPacket) -> None:
    """No input, text box or button is without an accessible name, locked or open."""
    page = device.load(seal_packet())
    nameless = """[...document.querySelectorAll("input, textarea, button")]
        .filter((field) => !(field.labels?.length || field.ariaLabel || field.textContent)).length"""
    before = page.evaluate(nameless)
    device.open(seal_packet())
    opened(page)
    assert (before, page.evaluate(nameless)) == (0, 0)


def test_the_page_fits_a_phone(device: Device, make_contents: MakeContents, seal_packet: SealPacket) -> None:
    """Nothing needs sideways scrolling at 320 pixels, locked or open, with a long word in the caption's link."""
    device.page.set_viewport_size({"width": 320, "height": 568})
    page = device.open(seal_packet(make_contents(delivery="d" * 64, original="https://www.tiktok.com/" + "x" * 80)))
    opened(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_an_exercise_says_so_before_and_after_opening(
    device: Device, make_contents: MakeContents, seal_packet: SealPacket
) -> None:
    """The banner stands above the lock and above the task, and in the window's title."""
    html = seal_packet(make_contents(exercise=True))
    banner = device.load(html).get_by_role("region", name="Exercise")
    expect(banner).to_have_text("EXERCISE Post nothing. Do not open TikTok.")
    page = device.open(html)
    expect(page.get_by_role("heading", name="EXERCISE: rehearse this task")).to_be_visible()
    expect(banner).to_be_visible()
    assert page.title() == "EXERCISE: rehearse this task"


def test_a_live_packet_has_no_exercise_banner(device: Device, seal_packet: SealPacket) -> None:
    """The word EXERCISE is not to be seen."""
    page = device.open(seal_packet())
    opened(page)
    assert "EXERCISE" not in page.locator("body").inner_text()


def test_a_withdrawal_shows_the_post_to_delete_and_no_caption(
    device: Device, make_contents: MakeContents, seal_packet: SealPacket
) -> None:
    """There is one box to copy from: the link of the earlier post."""
    link = "https://www.tiktok.com/@ukgov/video/7300000000000000001"
    page = device.open(seal_packet(make_contents(kind="withdraw", captions=[], original=link)))
    expect(page.get_by_role("heading", name="Delete the earlier post")).to_be_visible()
    assert [box.input_value() for box in page.locator("textarea").all()] == [link]
    expect(page.get_by_role("heading", name="Settings of the post")).to_be_hidden()


def test_a_browser_without_encryption_says_so(device: Device, seal_packet: SealPacket) -> None:
    """Where a browser treats the file as insecure, the person is told what to use."""
    device.page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")
    expect(device.load(seal_packet()).get_by_role("alert")).to_contain_text("This browser cannot open the packet")
