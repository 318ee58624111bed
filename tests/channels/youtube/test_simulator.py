"""YouTube's far side by itself: what it refuses, so that an adapter cannot learn the wrong thing from it."""

import pytest

from channels.youtube.simulator import GRAIN

API, UPLOADS = "_api", "_uploads"
SOUND = {
    "snippet": {"title": "Flood", "description": "Rain.", "categoryId": "25"},
    "status": {"privacyStatus": "private", "selfDeclaredMadeForKids": False},
}
FILM = {"X-Upload-Content-Type": "video/mp4", "X-Upload-Content-Length": str(2 * GRAIN)}


async def call(line, method, base, path, **more):
    """One call with the account's own login; returns status and the reason of a refusal."""
    account = line.account
    answer = await account._call(method, f"{getattr(account, base)}/{path}", account._until(5.0), **more)
    errors = ((answer.json() or {}).get("error") or {}).get("errors") or [{}]
    return answer.status, errors[0].get("reason", "")


def begin(about, headers=FILM):
    """The call that asks for the address of an upload."""
    params = {"uploadType": "resumable", "part": "snippet,status"}
    return {"params": params, "json": about, "headers": headers}


@pytest.mark.parametrize(
    ("part", "change", "reason"),
    [
        ("snippet", {"title": "x" * 101}, "invalidTitle"),
        ("snippet", {"title": " "}, "invalidTitle"),
        ("snippet", {"title": "a < b"}, "invalidTitle"),
        ("snippet", {"description": "é" * 2_501}, "invalidDescription"),
        ("snippet", {"description": "a > b"}, "invalidDescription"),
        ("snippet", {"categoryId": ""}, "invalidCategoryId"),
        ("status", {"privacyStatus": "secret"}, "invalidVideoMetadata"),
        ("status", {"selfDeclaredMadeForKids": None}, "invalidVideoMetadata"),
    ],
)
def test_a_video_that_is_described_wrongly_is_refused(on_line, part, change, reason):
    """Before it is uploaded."""

    async def use(line):
        about = {**SOUND, part: {**SOUND[part], **change}}
        return await call(line, "POST", UPLOADS, "videos", **begin(about)), line.youtube.sessions

    assert on_line(use) == ((400, reason), {})


@pytest.mark.parametrize("content_range", ["bytes 0-9/{size}", "bytes 1-{grain}/{size}", "bytes 0-9/10", "0-9", ""])
def test_a_chunk_that_is_cut_wrongly_is_refused(on_line, content_range):
    """An odd number of bytes, not where the last one ended, of another file, or without a range."""

    async def use(line):
        await call(line, "POST", UPLOADS, "videos", **begin(SOUND))
        said = content_range.format(size=2 * GRAIN, grain=GRAIN)
        headers = {"Content-Range": said} if said else {}
        put = {"params": {"upload_id": "xa0"}, "data": b"x" * 10, "headers": headers}
        return await call(line, "PUT", UPLOADS, "videos", **put), bytes(line.youtube.sessions["xa0"].data)

    assert on_line(use) == ((400, ""), b"")


def test_captions_need_a_video_and_are_there_once(on_line, make_job):
    """A second track of a language is refused by its name."""

    async def use(line):
        await line.send(make_job())
        refused = []
        for video, language in (("vid00000009", "en"), (line.video.id, "en"), (line.video.id, "")):
            about = {"snippet": {"videoId": video, "language": language, "name": ""}}
            refused.append(await call(line, "POST", UPLOADS, "captions", **begin(about)))
        return refused

    assert on_line(use) == [(404, "videoNotFound"), (409, "captionExists"), (400, "invalidMetadata")]


def test_another_channels_video_is_not_touched(on_line, make_job):
    """Neither changed nor deleted."""

    async def use(line):
        await line.send(make_job())
        line.video.owner = "UCother"
        params = {"part": "status"}
        told = [await call(line, "PUT", API, "videos", params=params, json={"id": line.video.id, **SOUND})]
        return [*told, await call(line, "DELETE", API, "videos", params={"id": line.video.id})]

    assert on_line(use) == [(403, "forbidden")] * 2
