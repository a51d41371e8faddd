"""The host of AutoScout24's pictures, and the faults of photos."""

import asyncio
import re
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from synthetic.replica.autoscout24.app import InsteadError, check_welcome
from synthetic.replica.autoscout24.fault_switches import PHOTO_FAULTS
from synthetic.replica.faults import Faults
from synthetic.replica.photos import marked_jpeg
from synthetic.replica.world import World

ENDLESS_BYTES = 10_000_000_000
_PATH = re.compile(
    r"/listing-images/(?P<car>[0-9a-f-]{36})_(?P<photo>[0-9a-f-]{36})\.(?:jpg|png)"
    r"/(?P<width>\d{2,4})x(?P<height>\d{2,4})\.(?P<kind>jpg|webp)"
)
_CHUNK = b"\xff" * 65_536
_SAYS = ("noai", "noimageai", "noindex")
_ELSEWHERE = {
    "redirect-metadata": "http://169.254.169.254/latest",
    "redirect-file": "file://" + "/etc/hostname",
    "redirect-loopback-other-port": "http://127.0.0.1:{port}/",
}


def pictures_app(world: World) -> Starlette:
    """prod.pictures.autoscout24.net."""

    async def answer(request: Request) -> Response:
        found = _PATH.fullmatch(request.url.path)
        number = world.photo(found["photo"]) if found else None
        if found is None or number is None or world.number(found["car"]) is None:
            return PlainTextResponse("Not Found", 404)
        keys = (found["photo"], found["car"])
        try:
            check_welcome(world, "photo", *keys)
        except InsteadError as instead:
            return instead.response
        fit = (int(found["width"]), int(found["height"]))
        picture = world.picture(number)
        if found["kind"] == "webp":  # what the site's own pages show; its bytes are not its own
            return photo_answer(world.faults, world.pool.file(picture, fit, "WEBP"), "webp", *keys)
        jpeg = marked_jpeg(world.pool.file(picture, fit), request.url.path)
        return photo_answer(world.faults, jpeg, "jpeg", *keys)

    return Starlette(routes=[Route("/{path:path}", answer)])


def photo_answer(faults: Faults, content: bytes, kind: str, *keys: str) -> Response:
    """The answer with a photo, with the faults that are on for one of `keys`, of which the first is
    the photo's own. `kind` is its media subtype."""
    struck = [name for name in PHOTO_FAULTS if faults.strikes(name, *keys)]
    said = ", ".join(name for name in _SAYS if name in struck)
    headers = {"X-Robots-Tag": said} if said else {}
    wrong = next((name for name in struck if name not in _SAYS), None)
    if wrong in _ELSEWHERE:
        port = faults.value(wrong) or "9"
        return RedirectResponse(_ELSEWHERE[wrong].format(port=port), 302)
    if wrong == "not-found":
        return PlainTextResponse("Not Found", 404)
    media = f"image/{kind}"
    if wrong == "endless":
        if faults.value(wrong) == "declared":
            headers["Content-Length"] = str(ENDLESS_BYTES)
        return StreamingResponse(_endless(content), headers=headers, media_type=media)
    if wrong == "slow-forever":
        return StreamingResponse(_slow(content), headers=headers, media_type=media)
    if wrong == "html-as-jpeg":
        content = b"<!DOCTYPE html><html><body>no photo</body></html>"
    elif wrong == "truncated":
        content = content[: len(content) // 2]
    return Response(content, headers=headers, media_type=media)


async def _endless(content: bytes) -> AsyncIterator[bytes]:
    """The photo, then bytes up to `ENDLESS_BYTES`, made while they are sent."""
    yield content
    left = ENDLESS_BYTES - len(content)
    while left > 0:
        yield _CHUNK[:left]
        left -= len(_CHUNK)
        await asyncio.sleep(0)  # lets other requests run, and the client disconnect


async def _slow(content: bytes) -> AsyncIterator[bytes]:
    """The photo at one byte per second."""
    place = 0
    while True:
        yield content[place % len(content) :][:1]
        place += 1
        await asyncio.sleep(1)
