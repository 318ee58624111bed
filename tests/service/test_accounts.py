"""Accounts and devices as they are added, and what the sender reads of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from channels.contract import Account, Secret
from dispatcher.domain.errors import Forbidden, Invalid, NotFound
from dispatcher.domain.message import TextKind
from dispatcher.domain.statement import Mode
from dispatcher.service import accounts
from dispatcher.service.desk import Desk
from dispatcher.service.messages import previews
from dispatcher.statements.trust import Trust
from dispatcher.store import records
from tests.cast import policies, policy_document
from tests.certificate import signing
from tests.office import SECRETS, SETTINGS, SIMULATOR, Office
from tests.packages import install, on_path


def add(
    office: Office, channel: str, settings: dict[str, str], mode: Mode = Mode.EXERCISE, name: str = "a-1"
) -> None:
    """Add an account with settings of one's own."""
    accounts.add(office.desk, Account(name, channel, "Example", ("en-GB",), settings), mode, SECRETS, "ops-1")


def test_an_account_is_sealed_for_the_role_that_sends_it(office: Office) -> None:
    """The recipients' vault opens the Notify account with its secret; no other vault has it."""
    office.account("notify")
    vault = office.desk.settings.vault(Mode.EXERCISE, "recipients")
    (opened,) = vault.open_all()
    assert (opened.account.id, opened.secrets["api_key"]) == ("notify-1", SECRETS["api_key"])
    assert list(office.desk.settings.vault(Mode.EXERCISE, "accounts").open_all()) == []


def test_no_secret_of_an_account_is_in_the_database(office: Office) -> None:
    """Tables and ledger hold the names of the secrets only."""
    office.account("x")
    database = office.desk.settings.path("data", "dispatcher.db")
    stored = database.read_bytes() + database.with_name("dispatcher.db-wal").read_bytes()
    assert b"planted-token" not in stored
    assert [entry.facts["secrets"] for entry in office.ledger("account.added")] == [["api_key", "secret", "token"]]


def test_a_channel_goes_by_its_own_name(office: Office) -> None:
    """An account on Twitter is listed as x."""
    add(office, "Twitter", dict(SETTINGS["x"]))
    assert [(made.account.channel, made.lane) for made in accounts.listed(office.desk)] == [("x", "accounts")]


SPELLINGS = ["wechat", "WeChat ", "WeiXin", "Telegram", "Tele-gram", "ＷｅＣｈａｔ", "we\u200bchat", "WeChat 2"]


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_channel_that_is_not_used_gets_no_account(office: Office, name: str) -> None:
    """However it is spelled."""
    with pytest.raises(Forbidden, match=r"G05: .*is not used"):
        add(office, name, {})


def test_a_channel_that_policy_closes_gets_no_account_by_any_of_its_names(office: Office) -> None:
    """Having an adapter does not help, nor does another name."""
    policy = policy_document()
    policy["policy"][0]["channel"]["x"]["tier"] = "T4"
    known = office.desk.trust
    closed = replace(office.desk, trust=Trust(known.root, known.roster, policies(policy), known.policy_digest))
    account = Account("a-1", "Twitter", "Example", ("en-GB",), SETTINGS["x"])
    with pytest.raises(Forbidden, match="G05: 'x' is not used"):
        accounts.add(closed, account, Mode.EXERCISE, SECRETS, "ops-1")


def opened(office: Office, *routes: str) -> Desk:
    """The desk under a policy that opens these routes to TikTok."""
    policy = policy_document()
    policy["policy"][0]["channel"]["tiktok"]["routes"] = list(routes)
    known = office.desk.trust
    return replace(office.desk, trust=Trust(known.root, known.roster, policies(policy), known.policy_digest))


MACHINE = {
    "route": "direct_post",
    "base_url": f"{SIMULATOR}/tiktok",
    "media_base_url": f"{SIMULATOR}/media",
    "disclosure": "none",
    "privacy_level": "SELF_ONLY",
}


def machine(desk: Desk, **settings: str) -> Account:
    """Add an account that TikTok is reached by machine with."""
    account = Account("t-1", "tiktok", "@example", ("en-GB",), {**MACHINE, **settings})
    secrets = {name: Secret("planted") for name in ("client_key", "client_secret", "refresh_token")}
    return accounts.add(desk, account, Mode.EXERCISE, secrets, "ops-1").account


def test_a_route_that_policy_opens_gets_its_account(office: Office) -> None:
    """Its credential goes to the confined sender."""
    machine(opened(office, "hand_off", "direct_post"))
    (held,) = office.desk.settings.vault(Mode.EXERCISE, "tiktok-sender").open_all()
    assert (held.account.settings["route"], set(held.secrets)) == (
        "direct_post",
        {"client_key", "client_secret", "refresh_token"},
    )


def test_a_route_that_policy_does_not_open_gets_no_account(office: Office) -> None:
    """The shipped policy opens none by machine; another's being open does not help."""
    for desk in (office.desk, opened(office, "hand_off", "inbox_draft")):
        with pytest.raises(Forbidden, match=r"G05: .*does not open the route direct_post to tiktok"):
            machine(desk)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"route": "fax"}, "no route 'fax'"),
        ({"privacy_level": ""}, "privacy_level"),
        ({"disclosure": ""}, "disclosure"),
    ],
)
def test_an_account_by_machine_says_what_it_needs(office: Office, settings: dict[str, str], said: str) -> None:
    """Now, not at the moment of sending."""
    with pytest.raises(Invalid, match=said):
        machine(opened(office, "direct_post"), **settings)


def test_the_author_learns_that_a_post_by_machine_needs_a_picture(office: Office) -> None:
    """At preview, and of the message alone: the way back is people's, as text."""
    desk = opened(office, "direct_post")
    made, message = machine(desk), office.message(("en-GB",))
    with desk.store.read() as work:
        revision = records.newest_revision(work, message)
    shown = {one.kind: one.problems for one in previews(desk, revision, [made], Mode.EXERCISE)}
    assert [kind for kind, problems in shown.items() if problems] == [TextKind.PUBLISH]
    assert "attach one: dispatcher message attach" in shown[TextKind.PUBLISH][0]


def test_an_exercise_by_machine_reaches_the_simulator_only(office: Office) -> None:
    """As every exercise account."""
    with pytest.raises(Forbidden, match="not to the simulator"):
        machine(opened(office, "direct_post"), base_url="https://open.tiktokapis.com")


ADDRESSES = [
    *("https://api.telegram.org/bot1/sendMessage", "https://T.ME/", "https://t.me:443/x", "https://you@t.me./"),
    *("api.weixin.qq.com", "https://ａｐｉ．telegram。org/", "https://tele\u00adgram.org", "https://t%2eme/"),
]


def test_no_third_partys_adapter_reaches_a_channel_that_is_not_used(office: Office, tmp_path: Path) -> None:
    """Neither do the hosts that it brings along."""
    module = (
        "from dataclasses import replace\n"
        "from tests.memory_channel import MemoryChannel\n"
        "class Adapter(MemoryChannel):\n"
        "    capabilities = replace(MemoryChannel.capabilities, hosts=('api.telegram.org',))\n"
    )
    site = tmp_path / "site"
    install(site, {"pigeon": "pigeon:Adapter"}, {"pigeon.py": module})
    with on_path(site), pytest.raises(Forbidden, match=r"G05: account a-1 points at telegram\.org"):
        add(office, "pigeon", {})


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("setting", ["base_url", "folder"])
def test_no_account_points_at_a_channel_that_is_not_used(office: Office, setting: str, address: str) -> None:
    """A host of its own or under it, in any setting and any spelling; nothing is stored."""
    with pytest.raises(Forbidden, match="G05: account a-1 points at"):
        add(office, "webhook", {"base_url": SIMULATOR, setting: address}, Mode.LIVE)
    assert accounts.listed(office.desk) == []


@pytest.mark.parametrize("address", ["https://not-t.me/hook", "https://t.me.city.example/hook", "https://t.metro/"])
def test_an_address_that_only_resembles_such_a_host_is_taken(office: Office, address: str) -> None:
    """The whole name counts, from the right."""
    add(office, "webhook", {"base_url": address}, Mode.LIVE)
    assert [made.account.settings["base_url"] for made in accounts.listed(office.desk)] == [address]


def test_an_unknown_channel_is_not_found(office: Office) -> None:
    """The message lists the channels there are."""
    with pytest.raises(NotFound, match="webhook"):
        add(office, "fax", {})


@pytest.mark.parametrize(
    "address", ["https://api.x.com", "http://127.0.0.1:10/x", "//", "http://127.0.0.1.example:9/"]
)
def test_an_exercise_account_points_to_the_simulator(office: Office, address: str) -> None:
    """Any other address is refused, whatever it resembles."""
    with pytest.raises(Forbidden, match="not to the simulator"):
        add(office, "x", {"base_url": address})


def test_an_exercise_account_on_a_platform_needs_an_address(office: Office) -> None:
    """Left out, the adapter would go to the platform itself."""
    with pytest.raises(Invalid, match="no base_url"):
        add(office, "x", {})


def test_a_live_account_takes_the_platforms_own_address(office: Office) -> None:
    """No base_url is needed."""
    add(office, "x", {"user_id": "1"}, Mode.LIVE)
    assert [made.mode for made in accounts.listed(office.desk, Mode.LIVE)] == [Mode.LIVE]


def test_a_credential_that_its_adapter_would_not_start_with_is_refused(office: Office) -> None:
    """A webhook secret that is none is found when the account is added, and nothing is stored."""
    account = Account("w", "webhook", "Example", ("en-GB",), {"base_url": f"{SIMULATOR}/webhook"})
    with pytest.raises(Invalid):
        accounts.add(office.desk, account, Mode.EXERCISE, {"secret": Secret("not one")}, "ops-1")
    assert accounts.listed(office.desk) == []
    assert list(office.desk.settings.vault(Mode.EXERCISE, "accounts").open_all()) == []


def test_a_name_is_taken_once(office: Office) -> None:
    """The second account of a name is refused and the first one's credential stays."""
    office.account("x", "city")
    with pytest.raises(Invalid, match="exists already"):
        add(office, "webhook", {"base_url": f"{SIMULATOR}/webhook"}, name="city")
    assert [c.account.channel for c in office.desk.settings.vault(Mode.EXERCISE, "accounts").open_all()] == ["x"]


@pytest.mark.parametrize("name", ["../escape", "City", "", "a b"])
def test_a_name_is_a_plain_word(office: Office, name: str) -> None:
    """Nothing that could be a path, or be mistaken for another name."""
    with pytest.raises(Invalid, match="cannot name"):
        add(office, "x", dict(SETTINGS["x"]), name=name)


def test_a_devices_secret_is_shown_once_and_reaches_the_sender(office: Office) -> None:
    """The sender's vault puts it together with the account, which names the device in its settings."""
    office.account("tiktok")
    made = accounts.register(office.desk, "phone-1", "tiktok-1", "ops-1")
    (opened,) = office.desk.settings.vault(Mode.EXERCISE, "tiktok-sender").open_all()
    assert opened.secrets["device:phone-1"] == made.secret
    assert opened.account.settings["device"] == "phone-1"
    assert [listed.device for listed in accounts.listed(office.desk)] == ["phone-1"]


def test_a_devices_secret_is_in_no_table(office: Office) -> None:
    """The database knows the device's name only."""
    office.account("tiktok")
    made = accounts.register(office.desk, "phone-1", "tiktok-1", "ops-1")
    database = office.desk.settings.path("data", "dispatcher.db")
    stored = database.read_bytes() + database.with_name("dispatcher.db-wal").read_bytes()
    assert made.secret.reveal().encode() not in stored


def test_a_new_device_takes_the_old_ones_place(office: Office) -> None:
    """An account has one device at a time."""
    office.account("tiktok")
    accounts.register(office.desk, "phone-1", "tiktok-1", "ops-1")
    office.clock.advance(office.clock.now - office.clock.now.replace(hour=11))
    accounts.register(office.desk, "phone-2", "tiktok-1", "ops-1")
    (opened,) = office.desk.settings.vault(Mode.EXERCISE, "tiktok-sender").open_all()
    assert [name for name in opened.secrets if name.startswith("device:")] == ["device:phone-2"]
    assert [listed.device for listed in accounts.listed(office.desk)] == ["phone-2"]


def test_an_account_without_packets_has_no_device(office: Office) -> None:
    """A webhook needs none."""
    office.account("webhook")
    with pytest.raises(Forbidden, match="no packets to open"):
        accounts.register(office.desk, "phone-1", "webhook-1", "ops-1")


def feed(office: Office, mode: Mode, secrets: dict[str, Secret], **settings: str) -> accounts.Listed:
    """Add a CAP feed with a credential."""
    held = {"folder": str(office.desk.settings.path("data")), "sender": "alerts@city.example", **settings}
    return accounts.add(
        office.desk, Account("feed-1", "cap_feed", "Alerts", ("en-GB",), held), mode, secrets, "ops-1"
    )


def test_a_live_feed_without_a_signing_key_is_not_added(office: Office) -> None:
    """It would refuse every alert; an exercise may go without."""
    with pytest.raises(Invalid, match="no signing key") as refused:
        feed(office, Mode.LIVE, {})
    assert "credential of this mode" in refused.value.next_step
    assert feed(office, Mode.EXERCISE, {}).mode is Mode.EXERCISE


@pytest.mark.parametrize(("mode", "word"), [(Mode.LIVE, "EXERCISE"), (Mode.EXERCISE, "")])
def test_a_feed_is_not_added_with_a_key_of_the_other_mode(office: Office, mode: Mode, word: str) -> None:
    """The certificate's subject says which mode it is for."""
    with pytest.raises(Invalid, match="cannot sign for"):
        feed(office, mode, signing(word, begins=office.desk.now() - timedelta(days=1)))


def test_a_feed_is_not_added_with_a_certificate_that_ends_tomorrow(office: Office) -> None:
    """A role would not start with it."""
    with pytest.raises(Invalid, match="less than 24 hours left"):
        feed(office, Mode.LIVE, signing(begins=office.desk.now() - timedelta(days=1), days=1.9))


def test_an_exercise_is_served_by_the_simulator_only(office: Office) -> None:
    """What is fetched back in an exercise comes from there too."""
    with pytest.raises(Forbidden, match="not to the simulator"):
        feed(office, Mode.EXERCISE, {}, public_base_url="https://alerts.city.example")
    served = feed(office, Mode.EXERCISE, {}, public_base_url=f"{SIMULATOR}/cap_feed/city")
    assert served.account.settings["public_base_url"].startswith(SIMULATOR)
