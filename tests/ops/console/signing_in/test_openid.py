"""Signing in with a real OpenID provider, and every way in which a token, a code or a person is refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from dispatcher.domain.people import Role
from dispatcher.settings import ConsoleSettings
from tests.office import Office
from tests.openid.running import Wire, provider_running
from tests.ops.console.signing_in.support import Browser, browsing, refusals, served, with_settings
from tests.servers import until

pytestmark = pytest.mark.system

SECRET = "a secret of the console: +&%"
GROUPS = {"duty-ops": "ops", "readers": "reviewer"}
MINUTE = timedelta(minutes=1)
Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """One provider for all."""
    with provider_running(tmp_path_factory.mktemp("openid")) as wire:
        yield wire


@pytest.fixture
def wire(provider: Wire) -> Iterator[Wire]:
    """The wire to it, which changes nothing unless a test says so."""
    provider.plain()
    yield provider
    provider.plain()


@pytest.fixture
def settings(office: Office, wire: Wire) -> ConsoleSettings:
    """What deployment.toml says of the provider."""
    office.desk.settings.path("keys", "client-secret").write_text(f"{SECRET}\n")
    return ConsoleSettings(
        issuer=wire.url, client_id="console", client_secret_file="keys/client-secret", groups=GROUPS
    )


@pytest.fixture
def browser(office: Office, settings: ConsoleSettings) -> Iterator[Browser]:
    """Somebody before the console."""
    with served(with_settings(office.desk, settings)) as url, browsing(url) as made:
        yield made


KEY = RSAKey.generate_key(2048, private=True, parameters={"kid": "forged", "use": "sig"})


def claims_of(answer: dict[str, Any]) -> dict[str, Any]:
    """What a token claims, unverified."""
    import base64
    import json

    part = answer["id_token"].split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return claims


def forged(wire: Wire, change: Change = lambda claims: None) -> None:
    """Have the provider's tokens say something else, all in order otherwise: it publishes the key that signs them."""

    def token(answer: dict[str, Any]) -> dict[str, Any]:
        claims = claims_of(answer)
        change(claims)
        return {**answer, "id_token": jwt.encode({"alg": "RS256", "kid": "forged"}, claims, KEY)}

    wire.token = token
    wire.keys = lambda _: {"keys": [KEY.as_dict(private=False)]}


def test_somebody_in_a_mapped_group_is_signed_in_with_its_role(browser: Browser, office: Office) -> None:
    """The ledger has who, in which role, by which issuer."""
    assert browser.sign_in("ops-1").status_code == 200
    assert browser.get("/").json() == {"person": "ops-1", "role": "ops", "may_tighten": True}
    (entry,) = office.ledger("console.signed_in")
    assert (entry.facts["actor"], entry.facts["role"], entry.facts["subject"]) == ("ops-1", "ops", "ops-1")


def test_the_other_group_reads_only(browser: Browser) -> None:
    """A reviewer stops nothing."""
    browser.sign_in("reviewer-1")
    assert browser.get("/").json() == {"person": "reviewer-1", "role": "reviewer", "may_tighten": False}


def test_who_is_called_like_nobody_on_the_roster_reads_only(browser: Browser) -> None:
    """In the group, but whoever halts has to be known to those who count who resumes."""
    browser.sign_in("stranger")
    assert browser.get("/").json() == {"person": "stranger", "role": "ops", "may_tighten": False}


def test_the_page_after_the_provider_goes_on_by_itself(browser: Browser) -> None:
    """To where somebody wanted to go at first; a strict cookie would not come along a redirect."""
    answer = browser.sign_in("ops-1", "/sign-in/openid?next=/incident/x%3Fa%3D1")
    assert '<meta http-equiv="refresh" content="0; url=/incident/x?a=1">' in answer.text


def test_the_challenge_is_sent_and_the_verifier_is_needed(browser: Browser, wire: Wire, office: Office) -> None:
    """The provider refuses the code without the verifier, and with another: PKCE holds."""
    for change in ([], ["x" * 64]):
        wire.asked = lambda form, change=change: {**form, "code_verifier": change}  # type: ignore[misc]
        assert browser.sign_in("ops-1").status_code == 403
        browser.http.cookies.clear()
    assert "code_challenge_method=S256" in browser.get("/sign-in/openid").headers["location"]
    assert refusals(office) == ["the provider does not take the code (invalid_grant)"] * 2
    assert browser.who() is None


def test_a_token_that_is_signed_anew_and_says_the_same_is_taken(browser: Browser, wire: Wire) -> None:
    """What the other tests change is what they are refused for."""
    forged(wire)
    browser.sign_in("ops-1")
    assert browser.who() == "ops-1"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda claims: claims.update(nonce="another"), "its claim nonce does not fit"),
        (lambda claims: claims.pop("nonce"), "its claim nonce does not fit"),
        (lambda claims: claims.update(aud="public"), "its claim aud does not fit"),
        (lambda claims: claims.update(aud=["console", "public"]), "its claim azp does not fit"),
        (lambda claims: claims.update(azp="public"), "its claim azp does not fit"),
        (lambda claims: claims.update(iss="https://elsewhere.example"), "its claim iss does not fit"),
        (lambda claims: claims.update(exp=time.time() - 120), "it has expired"),
        (lambda claims: claims.pop("exp"), "its claim exp does not fit"),
        (lambda claims: claims.update(iat=time.time() + 900), None),
        (lambda claims: claims.update(at_hash="AAAA"), "its claim at_hash does not fit"),
        (lambda claims: claims.pop("sub"), "its claim sub does not fit"),
    ],
)
def test_a_token_that_says_something_else_is_refused(
    browser: Browser, wire: Wire, office: Office, change: Change, why: str | None
) -> None:
    """Signed by the provider's published key, and yet not the answer to this sign-in."""
    forged(wire, change)
    answer = browser.sign_in("ops-1")
    (reason,) = refusals(office)
    assert (answer.status_code, browser.who()) == (403, None)
    assert reason == f"the ID token: {why}" if why else reason.startswith("the ID token: ")


def test_a_token_of_another_key_is_refused(browser: Browser, wire: Wire, office: Office) -> None:
    """It bears the name of the provider's key."""

    def token(answer: dict[str, Any]) -> dict[str, Any]:
        import base64
        import json

        head = answer["id_token"].split(".")[0]
        header = json.loads(base64.urlsafe_b64decode(head + "=="))
        return {**answer, "id_token": jwt.encode(header, claims_of(answer), KEY)}

    wire.token = token
    browser.sign_in("ops-1")
    assert (browser.who(), refusals(office)) == (None, ["the ID token: its signature does not hold"])


def test_an_unsigned_token_is_refused(browser: Browser, wire: Wire, office: Office) -> None:
    """``alg: none``."""

    def token(answer: dict[str, Any]) -> dict[str, Any]:
        import base64

        head = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
        return {**answer, "id_token": f"{head}.{answer['id_token'].split('.')[1]}."}

    wire.token = token
    browser.sign_in("ops-1")
    assert (browser.who(), len(refusals(office))) == (None, 1)


@pytest.mark.parametrize("form", ["pem", "secret"])
def test_a_token_signed_with_what_others_know_is_refused(
    browser: Browser, wire: Wire, office: Office, form: str
) -> None:
    """``HS256`` with the public key as the secret, or with the client's."""
    known = KEY.as_pem(private=False) if form == "pem" else SECRET.encode()
    secret = OctKey.import_key(known.replace(b"-----", b"=====") if form == "pem" else known)
    wire.keys = lambda keys: {"keys": [*keys["keys"], {**secret.as_dict(), "kid": "shared"}]}
    wire.token = lambda answer: {
        **answer,
        "id_token": jwt.encode({"alg": "HS256", "kid": "shared"}, claims_of(answer), secret),
    }
    browser.sign_in("ops-1")
    (reason,) = refusals(office)
    assert (browser.who(), reason.startswith("the ID token: it is signed")) == (None, True)


def test_no_token_is_refused(browser: Browser, wire: Wire, office: Office) -> None:
    """An answer without one, or with nonsense, is an answer and no sign-in."""
    for value in (None, "", "x.y.z", 7, "a" * 5_000):
        wire.token = lambda answer, value=value: {**answer, "id_token": value}  # type: ignore[misc]
        assert browser.sign_in("ops-1").status_code == 403
    assert (browser.who(), len(refusals(office))) == (None, 5)


def test_a_code_is_taken_once(browser: Browser, office: Office) -> None:
    """Whoever sees the address and the cookie later comes too late."""
    back = browser.to_provider("ops-1")
    cookies = browser.ours()
    assert browser.get(back).status_code == 200
    with browsing(browser.url) as thief:
        thief.http.cookies.update(cookies)
        assert (thief.get(back).status_code, thief.who()) == (403, None)
    assert refusals(office) == ["the provider does not take the code (invalid_grant)"]


def test_another_browsers_answer_is_refused(browser: Browser, office: Office) -> None:
    """Nobody is signed in as somebody else by a link to the provider's answer."""
    back = browser.to_provider("ops-1")
    with browsing(browser.url) as victim:
        assert (victim.get(back).status_code, victim.who()) == (403, None)
        victim.get("/sign-in/openid")
        assert (victim.get(back).status_code, victim.who()) == (403, None)
    assert refusals(office) == ["the state is not that of a sign-in begun in this browser"] * 2


def test_an_answer_of_another_issuer_is_refused(browser: Browser, office: Office) -> None:
    """RFC 9207: the answer says who gives it."""
    back = browser.to_provider("ops-1")
    start = back.index("iss=")
    browser.get(back[:start] + "iss=https%3A%2F%2Felsewhere.example")
    assert (browser.who(), refusals(office)) == (None, ["another provider answered"])


def test_what_the_provider_refuses_is_said_in_its_own_word(browser: Browser, office: Office) -> None:
    """And nothing else that somebody put into the address."""
    for error in ("access_denied", "<script>"):
        state = browser.to_provider("ops-1").partition("state=")[2].partition("&")[0]
        answer = browser.get(f"/sign-in/answer?state={state}&error={error}")
        assert "<script>" not in answer.text
    assert refusals(office) == ["the provider says access_denied", "the provider says something unreadable"]


def test_somebody_in_no_mapped_group_is_refused_by_name(browser: Browser, office: Office) -> None:
    """The page says whom to ask."""
    answer = browser.sign_in("guest")
    (entry,) = office.ledger("console.refused")
    assert (answer.status_code, entry.facts["actor"], browser.who()) == (403, "guest", None)
    assert "guest is in no group that has a role here" in answer.text


def test_a_group_that_was_taken_away_gives_no_role_any_more(browser: Browser, wire: Wire) -> None:
    """The next sign-in is refused."""
    wire.groups("mover", "duty-ops")
    browser.sign_in("mover")
    assert browser.who() == "mover"
    browser.post("/sign-out")
    wire.groups("mover")
    assert (browser.sign_in("mover").status_code, browser.who()) == (403, None)


def test_a_group_that_the_settings_map_no_more_ends_its_sessions(
    browser: Browser, office: Office, settings: ConsoleSettings
) -> None:
    """The console is started anew with other settings; who had come by that group is nobody."""
    browser.sign_in("ops-1")
    changed = replace(settings, groups={"readers": "reviewer"})
    with served(with_settings(office.desk, changed)) as url, browsing(url) as again:
        again.http.cookies.update(browser.ours())
        assert again.who() is None


def test_a_session_ends_when_nobody_uses_it_and_in_any_case(browser: Browser, office: Office) -> None:
    """Idle for thirty minutes, or six hours old."""
    browser.sign_in("ops-1")
    for minutes in (29, 29):
        office.clock.now = office.clock.now + minutes * MINUTE
        assert browser.who() == "ops-1"
    office.clock.now += 31 * MINUTE
    assert browser.who() is None


def test_a_public_client_signs_in_with_its_verifier_alone(office: Office, settings: ConsoleSettings) -> None:
    """No secret at all."""
    public = replace(settings, client_id="public", client_secret_file="")
    with served(with_settings(office.desk, public)) as url, browsing(url) as browser:
        browser.sign_in("ops-1")
        assert browser.who() == "ops-1"


def test_a_provider_that_is_down_is_said_with_the_other_way_in(office: Office, settings: ConsoleSettings) -> None:
    """The page says that a one-time link still works."""
    down = replace(settings, issuer="http://127.0.0.1:9")
    with served(with_settings(office.desk, down)) as url, browsing(url) as browser:
        answer = browser.get("/sign-in/openid")
        assert (answer.status_code, "dispatcher console" in answer.text) == (503, True)
    assert refusals(office) == ["the identity provider cannot be reached (ConnectError)"]


def test_a_provider_of_another_name_is_refused(office: Office, settings: ConsoleSettings, wire: Wire) -> None:
    """It is reached, and calls itself otherwise."""
    other = replace(settings, issuer=wire.url.replace("127.0.0.1", "localhost"))
    with served(with_settings(office.desk, other)) as url, browsing(url) as browser:
        assert browser.get("/sign-in/openid").status_code == 403
    until(lambda: refusals(office) != [], "it is in the ledger")
    assert refusals(office) == ["the provider calls itself by another name than console.issuer"]


def test_several_groups_give_the_first_role(office: Office, settings: ConsoleSettings, wire: Wire) -> None:
    """Whoever may stop things may, whatever else they are."""
    wire.groups("director-1", "readers", "directors")
    both = replace(settings, groups={**GROUPS, "directors": "duty_director"})
    with served(with_settings(office.desk, both)) as url, browsing(url) as browser:
        browser.sign_in("director-1")
        assert browser.get("/").json()["role"] == Role.DUTY_DIRECTOR
