"""Thousands of photos from a few hundred renderings; all have distinct bytes."""

import io
from functools import lru_cache
from typing import NamedTuple

from PIL import Image

from synthetic.scenes import SCENE_SIZE, Choices, render
from synthetic.scenes.scene import View

_START = b"\xff\xd8"  # of every JPEG file; segments follow
_COMMENT = b"\xff\xfe"
_MOST = 65_533  # bytes that a segment holds beside its own length


class SceneChoice(NamedTuple):
    """The scene of a photo: its seed and some choices; the seed decides the rest."""

    seed: int
    view: View = "exterior"
    color: str | None = None
    body_type: str | None = None


class ScenePool:
    """Rendered scenes in requested sizes; the last 2,000 files are cached in memory."""

    def __init__(self, size: tuple[int, int] = SCENE_SIZE) -> None:
        self.size = size
        self._images = lru_cache(32)(self._render)  # pixels are large; files are what is asked for
        self._files = lru_cache(2000)(self._encode)

    def file(
        self, picture: SceneChoice, fit: tuple[int, int] | None = None, kind: str = "JPEG"
    ) -> bytes:
        """The picture as a file of this format (Pillow's name), shrunk to fit into `fit` (width,
        height); never larger than it was rendered."""
        return self._files(picture, fit, kind)

    def _encode(self, picture: SceneChoice, fit: tuple[int, int] | None, kind: str) -> bytes:
        image = self._images(picture)
        if fit is not None:
            image = image.copy()
            image.thumbnail(fit)
        buffer = io.BytesIO()
        image.save(buffer, kind, quality=85)
        return buffer.getvalue()

    def _render(self, picture: SceneChoice) -> Image.Image:
        chosen: Choices = {"view": picture.view}
        if picture.color is not None:
            chosen["color"] = picture.color
        if picture.body_type is not None:
            chosen["body_type"] = picture.body_type
        return render(picture.seed, self.size, **chosen).image


def marked_jpeg(jpeg: bytes, text: str) -> bytes:
    """The same picture with a comment, so that its bytes are unique. Raises `ValueError` if `jpeg`
    is not a JPEG, and for a comment of more than 65,533 bytes."""
    comment = text.encode()
    if not jpeg.startswith(_START):
        raise ValueError(f"a JPEG file begins with ff d8, not with {jpeg[:2].hex(' ')!r}")
    if len(comment) > _MOST:
        raise ValueError(f"the comment has {len(comment)} bytes; a JPEG segment holds {_MOST}")
    end = 4 + int.from_bytes(jpeg[4:6], "big")  # of the first segment, which says what file it is
    length = (len(comment) + 2).to_bytes(2, "big")
    return jpeg[:end] + _COMMENT + length + comment + jpeg[end:]
