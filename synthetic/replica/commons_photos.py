"""The bytes of the replica's Commons: rendered scenes, enlarged, and their thumbnails."""

import io
from functools import lru_cache

from PIL import Image, ImageDraw

from synthetic.replica.commons_files import CommonsFile, FileSubject, height_at
from synthetic.replica.photos import marked_jpeg
from synthetic.scenes import draw_labels, render

THUMBNAIL_WIDTHS = (20, 40, 60, 120, 250, 330, 500, 960, 1280, 1920, 3840)
"""The allowed widths of thumbnails; Commons refuses any other."""

_RENDERED = (480, height_at(480))
"""Scenes are painted at this size and enlarged: painting large ones takes ten times as long."""


def file_bytes(file: CommonsFile) -> bytes:
    """The original file. All files and all their versions have distinct bytes."""
    mark = f"{file.name}, version {file.version}"
    if file.kind == "audio":
        return b"OggS" + mark.encode()
    if file.kind == "drawing":
        return drawing(mark, file.width, file.height)
    return marked_jpeg(_jpeg(file.shown, file.scene, file.width), mark)


def thumbnail_bytes(file: CommonsFile, width: int) -> bytes:
    """The file's thumbnail of this width in pixels: a PNG for a drawing, otherwise a JPEG."""
    if file.kind == "drawing":
        badge = Image.new("RGB", (width, height_at(width)), "white")
        center = (width / 2, badge.height / 2)
        ImageDraw.Draw(badge).circle(center, badge.height * 0.3, fill="#335")
        buffer = io.BytesIO()
        badge.save(buffer, "PNG")
        return buffer.getvalue()
    mark = f"{width}px-{file.name}, version {file.version}"
    return marked_jpeg(_jpeg(file.shown, file.scene, width), mark)


def thumbnail_step(file: CommonsFile, wanted: int) -> int | None:
    """The width of the thumbnail that is served for `wanted` pixels: the next allowed width, or
    None if the original is not wider than that and is served itself."""
    step = next((step for step in THUMBNAIL_WIDTHS if step >= wanted), THUMBNAIL_WIDTHS[-1])
    return step if step < file.width or file.kind == "drawing" else None


def drawing(mark: str, width: int, height: int) -> bytes:
    """An SVG file of a badge."""
    note = mark.replace("&", "&amp;").replace("--", "-")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f'<!-- {note} --><circle cx="50%" cy="50%" r="30%" fill="#335"/></svg>'
    ).encode()


@lru_cache(maxsize=128)
def _jpeg(shown: FileSubject, scene: int, width: int) -> bytes:
    picture = _scene(shown, scene)
    buffer = io.BytesIO()
    picture.resize((width, height_at(width)), Image.Resampling.BICUBIC).save(buffer, "JPEG")
    return buffer.getvalue()


@lru_cache(maxsize=64)
def _scene(shown: FileSubject, scene: int) -> Image.Image:
    choices = shown.as_choices()
    if choices.get("view") == "detail":
        # The renderer chooses the detail by the seed; only engines are wanted here.
        seeds = range(scene, scene + 1000)
        scene = next(seed for seed in seeds if draw_labels(seed, **choices).detail == "engine")
    return render(scene, _RENDERED, **choices).image
