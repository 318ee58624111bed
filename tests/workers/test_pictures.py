"""Media through the roles themselves: what the platform shows was signed, and an altered file goes nowhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select, text, update

from channels.contract import Rendering
from channels.mastodon.simulator import MastodonSimulator
from channels.media.structure import residue
from channels.x.simulator import XSimulator
from dispatcher.domain.errors import GateClosed
from dispatcher.domain.message import TextKind
from dispatcher.service import clearing, taking_back
from dispatcher.service.media import Given
from dispatcher.store.tables import RENDERINGS
from tests.channels.media.dirty import SECRET, saved
from tests.channels.media.films import film
from tests.stage import Stage
from tests.workers.conftest import Make

pytestmark = pytest.mark.system


def pictured(make: Make, *channels: str, **settings: str) -> tuple[Stage, str]:
    """A stage with accounts of these channels and settings, and a cleared plan with a picture full of metadata."""
    stage = make()
    for channel in channels:
        stage.account(channel, **settings)
    return stage, stage.cleared(attached=Given(saved("PNG") + SECRET, ALT))


ALT = {"en-GB": "Map of the storm"}


def signed(stage: Stage, plan: str, channel: str) -> Rendering:
    """The rendering of the message that people signed for a channel."""
    texts = clearing.texts(stage.desk, plan)
    return next(made for place, kind, made in texts if place.channel == channel and kind is TextKind.PUBLISH)


def shown(stage: Stage, channel: str) -> list[tuple[str, ...]]:
    """The digests of the pictures of each post that a platform shows."""
    return [effect.media for effect in stage.far.journal.published(channel)]


def files(stage: Stage) -> list[Path]:
    """What is in the folder of media."""
    return sorted((stage.folder / "media").iterdir())


def test_the_platform_shows_the_picture_that_was_signed(make: Make) -> None:
    """Four platforms show it once, by its digest, which is that of the file; a channel of text alone goes without."""
    platforms = ("x", "bluesky", "mastodon", "facebook")
    stage, plan = pictured(make, *platforms, "webhook")
    stage.release(plan)
    stage.work(lambda: stage.ended(plan))
    (medium,) = signed(stage, plan, "bluesky").media
    assert {signed(stage, plan, name).media for name in platforms} == {(medium,)}
    assert [shown(stage, name) for name in platforms] == [[(medium.digest,)]] * len(platforms)
    assert shown(stage, "webhook") == [()]
    (file,) = files(stage)
    assert file == stage.desk.settings.media_folder.file(medium)
    assert residue(file.read_bytes()) == ()
    assert SECRET not in file.read_bytes()


def test_the_platform_shows_the_video_that_was_signed(make: Make) -> None:
    """Two platforms show it, by its digest; one that takes pictures alone goes without. EXERCISE is on its cues."""
    stage = make()
    for channel in ("x", "mastodon", "bluesky"):
        stage.account(channel)
    x = stage.far.provider("x")
    assert isinstance(x, XSimulator)
    x.preparing = timedelta()
    words = b"WEBVTT\n\n00:00.000 --> 00:01.000\nStay in\n"
    plan = stage.cleared(attached=Given(film(metadata=True) + SECRET, ALT, {"en-GB": words}))
    stage.release(plan)
    stage.work(lambda: stage.ended(plan))
    (medium,) = signed(stage, plan, "x").media
    assert signed(stage, plan, "mastodon").media == (medium,)
    assert [shown(stage, name) for name in ("x", "mastodon", "bluesky")] == [[(medium.digest,)]] * 2 + [[()]]
    folder = stage.desk.settings.media_folder
    assert b"\nEXERCISE\nStay in\n" in folder.read(medium.captions[0])
    assert SECRET not in folder.read(medium)


def test_a_picture_that_a_server_works_on_is_uploaded_once(make: Make) -> None:
    """The delivery is tried again until the server is done, with what its first attempt left for the next."""
    stage, plan = pictured(make, "mastodon")
    server = stage.far.provider("mastodon")
    assert isinstance(server, MastodonSimulator)
    server.processing = timedelta(seconds=1)
    stage.release(plan)
    stage.work(lambda: stage.ended(plan))
    assert stage.states(plan) == {"accepted": 1}
    assert len([one for one in stage.far.journal.arrivals if one.route == "upload"]) == 1
    assert stage.far.journal.arrivals[0].at + server.processing <= server.statuses[0].versions[0].at


def test_instagram_is_told_where_the_signed_picture_lies(make: Make) -> None:
    """At the end of the address stands the name of its file, which was made to fit: a JPEG beside the cleaned PNG."""
    stage, plan = pictured(make, "instagram")
    stage.release(plan)
    stage.work(lambda: stage.ended(plan))
    (medium,) = signed(stage, plan, "instagram").media
    assert shown(stage, "instagram") == [(medium.digest,)]
    assert f"{medium.digest.removeprefix('sha256:')}.jpg" in {file.name for file in files(stage)}
    assert sorted(file.suffix for file in files(stage)) == [".jpg", ".png"]


def test_what_instagrams_token_may_not_delete_is_a_task(make: Make) -> None:
    """One opens at once with the post, for a withdrawal and for a correction, and nothing is asked of Instagram."""
    stage, plan = pictured(make, "instagram", may_delete="no")
    stage.release(plan)
    stage.work(lambda: stage.ended(plan))
    (post,) = stage.far.journal.published("instagram")
    asked = len(stage.far.journal.arrivals)
    for kind in (TextKind.CORRECT, TextKind.WITHDRAW):
        made = taking_back.take_back(stage.desk, plan, kind, stage.pen("director-1"))
        assert [(task.channel, task.kind, task.reference) for task in made.tasks] == [
            ("instagram", kind, post.reference)
        ]
    assert (made.made, len(stage.far.journal.arrivals)) == (0, asked)


def test_the_picture_of_an_exercise_says_so(make: Make) -> None:
    """In its pixels, and in the text for who cannot see them."""
    stage, plan = pictured(make, "bluesky")
    (file,) = files(stage)
    with Image.open(BytesIO(file.read_bytes())) as marked:
        assert marked.convert("L").crop((10, 24, 86, 48)).getextrema() == (0, 255)
    (medium,) = signed(stage, plan, "bluesky").media
    assert medium.alt[0].text == "EXERCISE EXERCISE EXERCISE\n\nMap of the storm"


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize("harm", [flip, Path.unlink], ids=["one flipped bit", "a missing file"])
def test_an_altered_file_goes_nowhere(make: Make, harm: Callable[[Path], None]) -> None:
    """Not one request reaches the platform; the delivery is held by G07, and the text-only channel is not kept."""
    stage, plan = pictured(make, "bluesky", "webhook")
    stage.release(plan)
    harm(files(stage)[0])
    stage.work(lambda: stage.ended(plan))
    assert [arrival for arrival in stage.far.journal.arrivals if arrival.provider == "bluesky"] == []
    assert {row.channel: row.state for row in stage.rows(plan)} == {"bluesky": "held", "webhook": "accepted"}
    assert stage.refusals(plan) == {"G07"}


def test_a_plan_whose_picture_is_lost_is_not_released(make: Make) -> None:
    """The desk sees it first, and says so."""
    stage, plan = pictured(make, "bluesky")
    files(stage)[0].unlink()
    with pytest.raises(GateClosed) as refused:
        stage.release(plan)
    assert [(clause, "cannot be read" in fact) for clause, fact, _ in refused.value.reasons] == [("G07", True)]


def test_a_picture_swapped_in_the_database_goes_nowhere(make: Make) -> None:
    """Though the other one is clean and lies in the folder: its digest is not the one that was signed."""
    stage, plan = pictured(make, "bluesky")
    stage.submitted(attached=Given(saved("JPEG"), ALT))
    (other,) = {f"sha256:{file.stem}" for file in files(stage)} - {signed(stage, plan, "bluesky").media[0].digest}
    ours = signed(stage, plan, "bluesky").media[0].digest
    stage.release(plan)
    with stage.desk.store.write() as work:
        work.execute(text("DROP TRIGGER renderings_fixed"))
        for row in work.execute(select(RENDERINGS.c.digest, RENDERINGS.c.body)).all():
            swapped = row.body.replace(ours.encode(), other.encode())
            work.execute(update(RENDERINGS).where(RENDERINGS.c.digest == row.digest).values(body=swapped))
    stage.work(lambda: stage.ended(plan))
    assert [arrival for arrival in stage.far.journal.arrivals if arrival.provider == "bluesky"] == []
    assert "G07" in stage.refusals(plan)
