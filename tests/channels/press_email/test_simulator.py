"""The simulated submission server refuses what real ones refuse; spoken to line by line, without the adapter."""

import asyncio
import base64

import pytest

from channels.press_email.simulator import PressEmail, password
from channels.press_email.simulator_rules import MESSAGE_OCTETS, No, message, path, words
from channels.simulator.server import Simulator

SENDER = "press@city.example"
LOGIN = "AUTH PLAIN " + base64.b64encode(f"\0{SENDER}\0{password(SENDER)}".encode()).decode()
ENVELOPE = ["EHLO city.example", LOGIN, f"MAIL FROM:<{SENDER}>", "RCPT TO:<news@paper.example>", "DATA"]
HEAD = f"Date: Sat, 21 Nov 2026 12:00:00 +0000\r\nFrom: <{SENDER}>\r\nMessage-ID: <1@city.example>\r\n"
GOOD = f"{HEAD}\r\nHello\r\n"


def answers(*said: str | bytes, limit: int | None = None) -> list[str]:
    """The code and enhanced code of each reply, the greeting's first."""

    async def main() -> list[str]:
        async with Simulator((PressEmail,)) as far:
            server = far.provider("press_email")
            assert isinstance(server, PressEmail)
            if limit is not None:
                server.limits[SENDER] = limit
            host, _, port = far.address("press_email").removeprefix("smtp://").rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            heard = [await reply(reader)]
            for line in said:
                writer.write(line if isinstance(line, bytes) else line.encode() + b"\r\n")
                heard.append(await reply(reader))
            writer.close()
            return heard

    return asyncio.run(main())


async def reply(reader: asyncio.StreamReader) -> str:
    """Read one reply; "" where the server hung up."""
    while (line := (await reader.readline()).decode()) and line[3] == "-":
        pass
    return " ".join(word for word in line.split()[:2] if word[0].isdigit())


def test_a_message_is_taken_at_the_end_of_its_data() -> None:
    """The whole conversation, as RFC 5321 has it."""
    said = [*ENVELOPE, f"{GOOD}.", "QUIT"]
    assert answers(*said) == ["220", "250", "235 2.7.0", "250 2.1.0", "250 2.1.5", "354", "250 2.0.0", "221 2.0.0"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([f"MAIL FROM:<{SENDER}>"], "530 5.7.0"),
        ([LOGIN], "503 5.5.1"),
        (["EHLO"], "501 5.5.4"),
        (["EHLO a", "AUTH PLAIN AGEAYg=="], "535 5.7.8"),
        (["EHLO a", "AUTH PLAIN !"], "501 5.5.2"),
        (["EHLO a", "AUTH CRAM-MD5"], "504 5.5.4"),
        (["EHLO a", LOGIN, LOGIN], "503 5.5.1"),
        (["EHLO a", LOGIN, "RCPT TO:<a@b.example>"], "503 5.5.1"),
        (["EHLO a", LOGIN, "MAIL FROM:<other@city.example>"], "553 5.7.1"),
        (["EHLO a", LOGIN, f"MAIL FROM: <{SENDER}>"], "501 5.5.2"),
        (["EHLO a", LOGIN, f"MAIL FROM:<{SENDER}> SMTPUTF8"], "555 5.5.4"),
        (["EHLO a", LOGIN, f"MAIL FROM:<{SENDER}>", "DATA"], "503 5.5.1"),
        (["EHLO a", LOGIN, f"MAIL FROM:<{SENDER}>", f"MAIL FROM:<{SENDER}>"], "503 5.5.1"),
        (["EHLO a", LOGIN, f"MAIL FROM:<{SENDER}>", "RCPT TO:<nobody@b.example>"], "550 5.1.1"),
        (["EHLO a", LOGIN, f"MAIL FROM:<{SENDER}>", "RCPT TO:<full@b.example>"], "452 4.2.2"),
        (["STARTTLS"], "502 5.5.1"),
        (["HELP"], "502 5.5.1"),
        (["NOOP"], "250 2.0.0"),
        ([b"NOOP\n"], "500 5.5.2"),
        ([b"NOOP \xff\r\n"], "500 5.5.2"),
        (["NOOP " + "x" * 600], "500 5.5.2"),
    ],
)
def test_a_command_that_is_wrong_is_refused(said: list[str | bytes], expected: str) -> None:
    """By order, form, login and owner."""
    assert answers(*said)[-1] == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (GOOD, "250 2.0.0"),
        ("Hello\r\n", "554 5.6.0"),
        (f"{HEAD}From: <{SENDER}>\r\n\r\nHello\r\n", "554 5.6.0"),
        (GOOD.replace(f"From: <{SENDER}>", "From: <other@city.example>"), "553 5.7.1"),
        (f"{HEAD}\r\nŷ\r\n", "554 5.6.0"),
        (f"{HEAD}\r\n{'x' * 999}\r\n", "554 5.6.0"),
        (f"{HEAD}\r\na\nb\r\n", "554 5.6.0"),
        (HEAD + "\r\n" + f"{'x' * 98}\r\n" * (MESSAGE_OCTETS // 100), "552 5.3.4"),
    ],
)
def test_a_message_that_is_malformed_is_refused(data: str, expected: str) -> None:
    """By its headers, its lines and its size."""
    assert answers(*ENVELOPE, f"{data}.")[-1] == expected


def test_a_login_may_be_asked_for_word_by_word() -> None:
    """AUTH LOGIN, as older servers have it."""
    given = [base64.b64encode(word.encode()).decode() for word in (SENDER, password(SENDER))]
    assert answers("EHLO a", "AUTH LOGIN", *given)[-3:] == ["334", "334", "235 2.7.0"]


def test_a_limit_is_kept() -> None:
    """The message after the last that is allowed is refused at its recipient."""
    assert answers(*ENVELOPE[:4], limit=0)[-1] == "450 4.7.1"


@pytest.mark.parametrize(
    "argument", ["FROM:<>", "FROM:<a>", "FROM:<a@b> ", "FROM:<a b@c.example>", "<a@b.example>", ""]
)
def test_a_path_is_an_address_in_brackets(argument: str) -> None:
    """Anything else is a syntax error."""
    assert isinstance(path(argument), No)


def test_words_are_as_many_as_asked_for() -> None:
    """Two where three are wanted are none."""
    assert isinstance(words(base64.b64encode(b"a\0b").decode(), 3), No)


def test_a_message_is_given_back_read() -> None:
    """With its headers."""
    found = message(GOOD.encode(), SENDER)
    assert not isinstance(found, No)
    assert found["Message-ID"] == "<1@city.example>"
