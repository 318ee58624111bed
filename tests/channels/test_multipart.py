"""A form with a file: as another implementation reads it, and as our far sides do."""

from __future__ import annotations

import asyncio

from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.http import Http, HttpPolicy, multipart
from channels.simulator.forms import fields

TEXT = 'Map: Ŵyr\r\n--\n "x"'
DATA = bytes(range(256)) + b"\r\n--"


def test_a_server_reads_what_was_written() -> None:
    """aiohttp's own parser: text, file name, type and bytes."""
    seen: dict[str, object] = {}

    async def take(request: web.Request) -> web.Response:
        form = await request.post()
        file = form["file"]
        assert isinstance(file, web.FileField)
        seen.update(text=form["description"], mime=file.content_type, data=file.file.read())
        return web.Response()

    async def run() -> None:
        app = web.Application()
        app.router.add_post("/", take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host = f"127.0.0.1:{runner.addresses[0][1]}"
        http = Http(HttpPolicy(frozenset({host}), allow_private=True, https_only=False))
        kind, body = multipart({"description": TEXT}, "file", "image/png", DATA)
        answer = await http.request("POST", f"http://{host}/", headers={"Content-Type": kind}, data=body, timeout_s=5)
        assert answer.status == 200
        await http.close()
        await runner.cleanup()

    asyncio.run(run())
    assert seen == {"text": TEXT, "mime": "image/png", "data": DATA}


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(["a", "description"]), st.text(), max_size=2), st.binary())
def test_a_far_side_reads_what_was_written(told: dict[str, str], data: bytes) -> None:
    """Whatever the texts and bytes; the same form is the same bytes."""
    told = {name: text.encode("utf-8", "replace").decode() for name, text in told.items()}
    kind, body = multipart(told, "file", "image/png", data)
    assert fields(kind, body) == {**{name: text.encode() for name, text in told.items()}, "file": data}
    assert multipart(told, "file", "image/png", data) == (kind, body)


def test_what_is_no_form_has_no_fields() -> None:
    """Neither by its type nor by its bytes."""
    assert fields("application/json", b"{}") == {}
    assert fields("multipart/form-data; boundary=x", b"nothing") == {}
