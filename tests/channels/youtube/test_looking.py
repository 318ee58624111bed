"""What the list of uploads proves where nothing is on record, and what it does not."""

from dataclasses import replace
from datetime import timedelta

from channels.contract import Found
from channels.youtube.adapter import PAGE
from tests.channels.youtube.conftest import NOON


def test_an_older_video_of_the_same_words_is_not_this_one(on_line, make_job):
    """Nothing says that an exercise may not be repeated."""

    async def use(line):
        await line.send(make_job())
        later = make_job(intended_at=NOON + timedelta(hours=1))
        return (await line.account.find(make_job())).found, (await line.account.find(later)).found

    assert on_line(use) == (Found.FOUND, Found.ABSENT)


def test_the_uploads_of_another_channel_prove_nothing(on_line, make_job):
    """Somebody connected the account as who they are themselves: what was sent before is not there to be seen."""

    async def use(line):
        return await line.account.find(make_job())

    finding = on_line(use, channel_id="UCtown")
    assert (finding.found, "another channel" in finding.reason) == (Found.UNKNOWN, True)


def test_more_uploads_than_are_read_prove_nothing(on_line, make_job):
    """The video may be further down."""

    async def use(line):
        await line.send(make_job())
        for name in (f"other{number:03}" for number in range(PAGE)):
            line.youtube.videos[name] = replace(line.youtube.videos["vid00000001"], id=name, snippet={"title": "-"})
        return await line.account.find(make_job())

    finding = on_line(use)
    assert (finding.found, "too many uploads" in finding.reason) == (Found.UNKNOWN, True)
