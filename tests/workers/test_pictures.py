"""Pictures through the roles themselves: what the platform shows was signed, and an altered file goes nowhere."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from channels.contract import Rendering
from channels.media.structure import residue
from dispatcher.domain.errors import GateClosed
from dispatcher.domain.message import TextKind
from dispatcher.service import clearing, taking_back
from tests.channels.media.dirty import SECRET, saved
from tests.stage import Stage
from tests.workers.conftest import Make

pytestmark = pytest.mark.system


def pictured(make: Make, *channels: str) -> tuple[Stage, str]:
    """A stage with these accounts, and a cleared plan whose message has a picture full of metadata."""
    stage = make()
    for channel in channels:
        stage.account(channel)
    return stage, stage.cleared(picture=saved("PNG") + SECRET)


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
    """Its digest is that of the signed rendering and of the file, which holds pixels; a text channel has none."""
    stage, plan = pictured(make, "bluesky", "webhook")
    stage.release(plan)
    stage.work(lambda: stage.ended(plan))
    (medium,) = signed(stage, plan, "bluesky").media
    assert shown(stage, "bluesky") == [(medium.digest,)]
    assert shown(stage, "webhook") == [()]
    (file,) = files(stage)
    assert file == stage.desk.settings.media_folder.file(medium)
    assert residue(file.read_bytes()) == ()
    assert SECRET not in file.read_bytes()


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
    stage, plan = pictured(make, "instagram")
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
