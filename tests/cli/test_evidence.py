"""Evidence, accounts, devices and recipient lists from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Office

SIMULATOR = "http://127.0.0.1:9"
TIKTOK = ("tiktok-city", "--channel", "tiktok", "--handle", "@city", "--language", "en-GB", "--mode", "exercise")
X = ("x-city", "--channel", "x", "--handle", "@city", "--language", "en-GB", "--mode", "exercise")
X_SETTINGS = ("--set", f"base_url={SIMULATOR}/x", "--set", "user_id=1")


SAFE = 'safety = "suitable"\nads_context = "none"\nfreedom_of_speech = "respected"\nethics = "enforced"\n'


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """The file that a piece of evidence is about."""
    (tmp_path / "record.pdf").write_bytes(b"the record")
    return tmp_path / "record.pdf"


@pytest.fixture
def assessed(tmp_path: Path) -> Path:
    """An assessment record with an answer to each principle."""
    (tmp_path / "x.toml").write_text(f'{SAFE}fifth = "ours"\nreview_at = 2099-01-01T00:00:00Z\n')
    return tmp_path / "x.toml"


def assess(file: Path | str, channel: str = "x", mode: str = "exercise") -> tuple[object, ...]:
    """The command that signs a record."""
    return ("evidence", "assess", channel, "--outcome", "permitted", "--record", file, "--mode", mode)


def test_an_assessment_is_signed_by_who_may(office: Office, assessed: Path) -> None:
    """A director's assessment says what was found for each principle, and names its file by its digest."""
    made = office.run(*assess(assessed), by="director-1").json
    assert (made["schema"], made["kind"], made["person"]) == ("dispatcher/evidence/v1", "assess", "director-1")
    assert len(made["body"]["evidence"]) == 64
    said = ("safety", "fifth", "review_at")
    assert [made["body"][name] for name in said] == ["suitable", "ours", "2099-01-01T00:00:00.000000Z"]


def test_an_assessment_by_an_author_does_not_count(office: Office, assessed: Path) -> None:
    """Exit code 4: ask somebody who holds the role."""
    office.run(*assess(assessed), by="author-1", code=4)


def test_a_channel_that_is_not_used_is_refused(office: Office, assessed: Path) -> None:
    """WeChat is refused by policy, however it is spelled."""
    office.run(*assess(assessed, "We-Chat", "live"), by="director-1", code=8)


def test_a_principle_without_an_answer_permits_nothing(office: Office, assessed: Path) -> None:
    """Exit code 2, naming what is not answered."""
    assessed.write_text(SAFE.replace("enforced", " "))
    assert "does not answer: ethics" in office.run(*assess(assessed), by="director-1", code=2).err


def test_a_record_whose_review_is_due_permits_nothing(office: Office, assessed: Path) -> None:
    """Exit code 2: it would count from the day it does not count any more."""
    assessed.write_text(f"{SAFE}review_at = 2020-01-01T00:00:00Z\n")
    assert "review is due" in office.run(*assess(assessed), by="director-1", code=2).err


def test_a_record_with_an_unknown_key_is_wrong_input(office: Office, assessed: Path) -> None:
    """Exit code 2, naming the key: a misspelled principle is no answer."""
    assessed.write_text(f'{SAFE}ethic = "?"\n')
    assert "unknown key 'ethic'" in office.run(*assess(assessed), by="director-1", code=2).err


def test_evidence_without_its_file_is_wrong_input(office: Office) -> None:
    """A file that is not there is exit code 2."""
    assert "none.toml" in office.run(*assess("none.toml"), by="director-1", code=2).err


def test_a_tiktok_account_gets_its_device_exemption_and_attestation(office: Office, record: Path) -> None:
    """Account, device, exemption and attestation follow one another; the device's secret is shown once."""
    added = office.run("account", "add", *TIKTOK, by="ops-1")
    assert "dispatcher device register" in added.err
    registered = office.run("device", "register", "phone-1", "--account", "tiktok-city", by="ops-1")
    assert len(registered.json["secret"]) > 50
    scope = ("tiktok", "--account", "tiktok-city", "--mode", "exercise")
    office.run("evidence", "exempt", *scope, "--need", "reaches who nothing else reaches", by="security-1")
    words = ("evidence", "attest", *scope, "--device", "phone-1", "--app-version", "41.2", "--evidence", record)
    made = office.run(*words, by="security-1").json
    assert (made["body"]["mitigations"][0], made["body"]["app_version"]) == ("M01", "41.2")


def test_a_device_secret_is_nowhere_on_disk(office: Office) -> None:
    """What registration showed once is in no file of the deployment in the clear."""
    office.run("account", "add", *TIKTOK, by="ops-1")
    secret = office.run("device", "register", "phone-1", "--account", "tiktok-city", by="ops-1").json["secret"]
    files = [path for path in office.folder.rglob("*") if path.is_file()]
    assert [path for path in files if secret.encode() in path.read_bytes()] == []


def test_a_decision_gives_a_read_back_code_once(office: Office) -> None:
    """The private office records and confirms; a wrong code is refused."""
    plan = office.plan()
    words = ("evidence", "decide", plan, "--decision", "agreed")
    code = office.run(*words, by="private-office-1").json["code"]
    office.run("evidence", "confirm", plan, "--code", "0000-0000-0000", by="private-office-1", code=2)
    said = office.run("evidence", "confirm", plan, "--code", code, by="private-office-1")
    assert said.json["schema"] == "dispatcher/decision/v1"
    assert said.json["code"] is None


@pytest.fixture
def token(tmp_path: Path) -> str:
    """A secret in a file, as it is given to ``account add``."""
    (tmp_path / "token").write_text("s3cr3t-token\n")
    return f"token={tmp_path / 'token'}"


def test_a_secret_is_read_from_a_file_and_shown_nowhere(office: Office, token: str) -> None:
    """The account is added, its secret is in no output and in no file of the deployment in the clear."""
    said = office.run("account", "add", *X, *X_SETTINGS, "--secret-file", token, by="ops-1")
    assert "s3cr3t-token" not in said.out + said.err
    files = [path for path in office.folder.rglob("*") if path.is_file()]
    assert [path for path in files if b"s3cr3t-token" in path.read_bytes()] == []


def test_an_empty_secret_is_wrong_input(office: Office) -> None:
    """An empty file is said so, and no account is made."""
    office.run("account", "add", *X, *X_SETTINGS, "--secret-file", "token=/dev/null", by="ops-1", code=2)
    assert office.run("account", "list").json["accounts"] == []


def test_an_exercise_account_reaches_the_simulator_only(office: Office, token: str) -> None:
    """Any other address is refused by policy: exit code 8."""
    words = ("account", "add", *X, "--set", "base_url=https://api.x.com", "--set", "user_id=1")
    office.run(*words, "--secret-file", token, by="ops-1", code=8)


def test_accounts_are_listed_with_their_lane(office: Office) -> None:
    """Each account with its mode, channel and lane, and no secret."""
    office.feed()
    listed = office.run("account", "list").json["accounts"]
    assert [(made["id"], made["mode"], made["lane"]) for made in listed] == [("feed-city", "exercise", "accounts")]


def test_recipients_are_imported_without_showing_them(office: Office, tmp_path: Path) -> None:
    """Count and rows left out are told; no number is in any output."""
    file = tmp_path / "numbers.csv"
    file.write_text("phone,language\n07700900123,cy\n07700900124,\nnot a number,\n")
    said = office.run("recipients", "import", "residents", file, "--mode", "exercise", by="ops-1")
    assert (said.json["count"], said.json["bad"]) == (2, 1)
    assert Path(said.json["report"]).read_text().splitlines() == ["row,reason", "4,this is not a telephone number"]
    assert "900123" not in said.out + said.err
    assert [made["name"] for made in office.run("recipients", "list").json["lists"]] == ["residents"]


def test_a_press_list_is_imported_from_its_column_of_addresses(office: Office, tmp_path: Path) -> None:
    """Numbers beside it are not looked at, and no address is in any output."""
    file = tmp_path / "newsrooms.csv"
    file.write_text("phone,email\n07700900123,news@paper.example\n07700900124,NEWS@paper.example\n,desk\n")
    given = ("newsrooms", file, "--mode", "exercise", "--email")
    said = office.run("recipients", "import", *given, by="ops-1")
    assert (said.json["count"], said.json["duplicates"], said.json["bad"]) == (1, 1, 1)
    assert "news@" not in (said.out + said.err).lower()
    assert "e-mail addresses in the clear" in said.err


def test_who_adds_a_press_list_is_told_how_its_list_is_imported(office: Office, tmp_path: Path) -> None:
    """By addresses, not by numbers."""
    for name in ("username", "password"):
        (tmp_path / name).write_text(f"planted-{name}")
    secrets = [word for name in ("username", "password") for word in ("--secret-file", f"{name}={tmp_path / name}")]
    about = ["--channel", "press", "--handle", "Press office", "--language", "en-GB", "--mode", "live"]
    settings = ["--set", "base_url=smtps://mail.city.example", "--set", "from=press@city.example"]
    said = office.run("account", "add", "press-1", *about, *settings, *secrets, by="ops-1")
    assert (said.json["channel"], said.json["lane"]) == ("press_email", "recipients")
    assert "dispatcher recipients import LIST FILE.csv --mode live --email" in said.err
    assert "planted-password" not in said.out + said.err
