"""The sender and the media of a rendering: it sends the bytes that were signed, or nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from channels.conformance.bench import picture
from channels.contract import Caption, DeliveryKind, Medium, Part, Rendering, Verdict
from channels.media.picture import Cleaned
from channels.media.structure import digest_of
from dispatcher.domain.errors import Unavailable
from dispatcher.sending.media import MediaFolder
from dispatcher.sending.permit import Refusal
from tests.builders import draft, revision
from tests.channels.media.films import film
from tests.filmed import CAPTIONS, medium, video
from tests.sending.kit import House, note, run

ALT = (Part("en-GB", "Map"), Part("cy", "Map"))
SIGNED, OTHER = picture(64), picture(65)


def medium_of(made: Cleaned) -> Medium:
    return Medium(made.digest, made.kind, made.mime, len(made.data), made.width, made.height, ALT)


def house_with(folder: Path, made: Cleaned = SIGNED) -> House:
    """A sender whose plan carries a picture, which lies in its folder."""
    house = House(folder, draft("x", message=revision(media=(medium_of(made),))))
    house.media.put(medium_of(made), made.data)
    return house


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_the_adapter_gets_the_bytes_that_were_signed(tmp_path: Path) -> None:
    """By their digest, and nothing else."""

    async def main() -> None:
        house = house_with(tmp_path)
        await house.deliver(house.drafted.order("x"))
        (made,) = house.platforms["x"].made
        assert made.job.media == {SIGNED.digest: SIGNED.data}

    run(main)


@pytest.mark.parametrize("bit", [0, 8 * 40 + 3, 8 * (len(SIGNED.data) // 2), 8 * len(SIGNED.data) - 1])
def test_one_flipped_bit_is_refused(tmp_path: Path, bit: int) -> None:
    """By the gate, under G07, and no adapter is called."""

    async def main() -> None:
        house = house_with(tmp_path)
        house.media.file(medium_of(SIGNED)).write_bytes(flipped(SIGNED.data, bit))
        answer = await house.deliver(house.drafted.order("x"))
        assert isinstance(answer, Refusal)
        assert answer.clauses == ("G07",)
        assert "is not what it was when it was attached" in answer.sentence
        assert house.made() == 0

    run(main)


@pytest.mark.parametrize("swap", [True, False])
def test_another_picture_in_its_place_or_none_is_refused(tmp_path: Path, swap: bool) -> None:
    """However clean the other one is."""

    async def main() -> None:
        house = house_with(tmp_path)
        file = house.media.file(medium_of(SIGNED))
        file.write_bytes(OTHER.data) if swap else file.unlink()
        assert await house.refused(house.drafted.order("x")) == ("G07",)
        assert house.made() == 0

    run(main)


def test_what_is_altered_after_the_permit_does_not_leave(tmp_path: Path) -> None:
    """It is read once more before the first byte; the spent file shows that nothing left, and a mended file goes."""

    async def main() -> None:
        house = house_with(tmp_path)
        order = house.drafted.order("x")
        permit = await house.permit(order)
        file = house.media.file(medium_of(SIGNED))
        file.write_bytes(OTHER.data)
        outcome = await house.sender.send(permit, note)
        assert (outcome.verdict, outcome.code, house.made()) == (Verdict.DEFERRED, "G07", 0)
        assert "nothing was sent" in outcome.reason
        file.write_bytes(SIGNED.data)
        again = await house.deliver(order)
        assert not isinstance(again, Refusal)
        assert again.verdict is Verdict.ACCEPTED

    run(main)


def test_a_picture_that_was_signed_unclean_is_refused(tmp_path: Path) -> None:
    """Even with its right digest: metadata does not leave."""
    data = SIGNED.data[:33] + b"\0\0\0\x01tEXtx\0\0\0\0" + SIGNED.data[33:]
    unclean = replace(medium_of(SIGNED), digest=digest_of(data), size=len(data))

    async def main() -> None:
        house = House(tmp_path, draft("x", message=revision(media=(unclean,))))
        house.media.put(unclean, data)
        answer = await house.ask(house.drafted.order("x"))
        assert isinstance(answer, Refusal)
        assert "carries tEXt" in answer.sentence

    run(main)


def test_the_way_back_needs_no_picture(tmp_path: Path) -> None:
    """A correction is text alone, and goes out with the folder lost."""
    drafted = draft("x", message=revision(media=(medium_of(SIGNED),)))
    house = House(tmp_path, drafted)
    corrections = [body for body in drafted.renderings.values() if b'"kind":"publish"' not in body]
    assert len(corrections) == 3
    assert not any(b'"media"' in body for body in corrections)
    assert house.media.file(medium_of(SIGNED)).exists() is False


def test_a_file_is_its_owners_alone_and_written_once(tmp_path: Path) -> None:
    """Mode 0600 in a folder of 0700; what is there and sound is left as it is, what is damaged is mended."""
    folder, medium = MediaFolder(tmp_path / "media"), medium_of(SIGNED)
    folder.put(medium, SIGNED.data)
    file = folder.file(medium)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert file.name == f"{SIGNED.digest.removeprefix('sha256:')}.png"
    before = file.stat().st_mtime_ns, file.stat().st_ino
    folder.put(medium, SIGNED.data)
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == before
    file.write_bytes(b"damaged")
    folder.put(medium, SIGNED.data)
    assert folder.read(medium) == SIGNED.data


def test_folders_on_the_way_to_it_are_made(tmp_path: Path) -> None:
    """However deep a deployment lies; a second file finds them there."""
    folder = MediaFolder(tmp_path / "deployment" / "media")
    for made in (SIGNED, OTHER):
        folder.put(medium_of(made), made.data)
        assert folder.read(medium_of(made)) == made.data


def test_a_file_that_was_read_is_known_again_until_it_changes(tmp_path: Path) -> None:
    """A large one is not read for every order; one that was written or is gone is. Whoever sends reads it anyway."""
    folder, medium = MediaFolder(tmp_path), medium_of(SIGNED)
    text = Rendering("x", "x-1", DeliveryKind.PUBLISH, (Part("en-GB", "Flood"),), {}, (medium,))
    folder.put(medium, SIGNED.data)
    assert folder.fault(text) is None
    file, before = folder.file(medium), folder.file(medium).stat()
    file.write_bytes(flipped(SIGNED.data, 800))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert folder.fault(text) is None
    with pytest.raises(Unavailable, match="is not what it was"):
        folder.read_all(text)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert "is not what it was" in (folder.fault(text) or "")
    file.unlink()
    assert "cannot be read" in (folder.fault(text) or "")


def test_a_size_that_is_not_the_signed_one_is_refused(tmp_path: Path) -> None:
    """What is signed of a picture is true of it."""
    folder, medium = MediaFolder(tmp_path), medium_of(SIGNED)
    folder.put(medium, SIGNED.data)
    with pytest.raises(Unavailable, match="is not what it was"):
        folder.read(replace(medium, size=medium.size + 1))


def house_with_film(folder: Path) -> House:
    """A sender whose plan carries a video with captions, all of which lie in its folder."""
    house = House(folder, draft("x", message=revision(media=(medium("en-GB", "cy"),))))
    house.media.put(medium(), video().data)
    house.media.put(medium().captions[0], CAPTIONS)
    return house


def test_the_adapter_gets_a_video_and_its_captions(tmp_path: Path) -> None:
    """Each by its digest."""

    async def main() -> None:
        house = house_with_film(tmp_path)
        await house.deliver(house.drafted.order("x"))
        (made,) = house.platforms["x"].made
        assert made.job.media == {video().digest: video().data, digest_of(CAPTIONS): CAPTIONS}

    run(main)


def test_one_changed_letter_of_captions_is_refused(tmp_path: Path) -> None:
    """As one flipped bit of a picture is, and so is a file that is gone."""

    async def main() -> None:
        house = house_with_film(tmp_path)
        file = house.media.file(medium().captions[0])
        file.write_bytes(CAPTIONS.replace(b"Stay in", b"Stay on"))
        answer = await house.deliver(house.drafted.order("x"))
        assert isinstance(answer, Refusal)
        assert answer.clauses == ("G07",)
        assert "the file of captions in en-GB, " in answer.sentence
        file.unlink()
        assert await house.refused(house.drafted.order("x")) == ("G07",)
        assert house.made() == 0

    run(main)


@pytest.mark.parametrize(
    ("data", "kind"), [(film(metadata=True), "video"), (CAPTIONS + b"\nNOTE by A. Nother\n", "captions")]
)
def test_what_was_never_made_clean_is_refused_even_if_it_was_signed(tmp_path: Path, data: bytes, kind: str) -> None:
    """The sender asks the file itself, without decoding it."""
    folder = MediaFolder(tmp_path)
    named = {"digest": digest_of(data), "size": len(data)}
    dirty = replace(medium(), **named) if kind == "video" else Caption("en", **named)
    folder.file(dirty).write_bytes(data)
    with pytest.raises(Unavailable, match="carries"):
        folder.read(dirty)
