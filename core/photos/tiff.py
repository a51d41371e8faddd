"""Finds the photo among the pictures of a TIFF. In a camera raw file the first picture is a
small preview; a scanner may put a preview before the full picture too."""

import struct

from PIL import ExifTags, Image, UnidentifiedImageError
from PIL.TiffImagePlugin import COMPRESSION_INFO, ImageFileDirectory_v2

from core.photos.decoding_budget import CountedBytes, UnreadableImageError
from core.photos.tiff_grey import (
    FLOAT,
    PIXELS,
    SIGNED,
    UNSIGNED,
    GreyTiff,
    Samples,
    is_grey,
    number,
    numbers,
)

TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"MM*\0", b"II\0*")

CAMERA_RAW = "raw file of a camera"
DEVELOP = "develop it into a JPEG or TIFF"

MOST_DIRECTORIES = 64
"""Most pictures in one file that are searched for the full one."""

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_SAMPLES, _STRIP_HEIGHT, _TILE_WIDTH, _TILE_HEIGHT, _FORMAT = 277, 278, 322, 323, 339
_KIND, _OLD_KIND, _SUB, _PROFILE, _DNG = 254, 255, 330, 34675, 50706
_WHERE = (257, 259, 266, 273, 278, 279, 323, 324, 325)  # where the pixels are, and how packed

_SENSOR = {32803, 34892}  # photometric interpretations: before and after demosaicing


def open_tiff(content: bytes) -> Image.Image:
    """Open the full picture of a TIFF without decoding it.

    Raises `UnreadableImageError` for a raw file of a camera and for kinds of pixels that are not
    supported, and what Pillow raises.
    """
    if content[:4] == b"MM\0+":
        raise UnreadableImageError(PIXELS, "a BigTIFF whose numbers begin with their highest byte")
    file = CountedBytes(content)
    first = _directory(file, None)
    tags = _full(file, first)
    turn = number(tags, ExifTags.Base.Orientation) or number(first, ExifTags.Base.Orientation)
    if is_grey(tags) and _area(tags):
        image: Image.Image = _open_grey(content, tags, turn)
    else:
        image = _open_plain(content, tags, None if tags is first else turn)
    for each in (first, tags):
        if isinstance(profile := each.get(_PROFILE), bytes):
            image.info["icc_profile"] = profile
    return image


def _full(file: CountedBytes, first: ImageFileDirectory_v2) -> ImageFileDirectory_v2:
    """The directory of the full picture."""
    beside = [_directory(file, at) for at in numbers(first, _SUB)[:MOST_DIRECTORIES]]
    raw = file.getvalue()[8:10] == b"CR" or _DNG in first
    if raw or any(number(each, _PHOTOMETRIC) in _SENSOR for each in (first, *beside)):
        raise UnreadableImageError(CAMERA_RAW, DEVELOP)
    if not _is_reduced(first):
        return first
    at = first
    while at.next and len(beside) < MOST_DIRECTORIES:
        at = _directory(file, at.next)
        beside.append(at)
    full = [each for each in beside if not _is_reduced(each) and _area(each)]
    if not full:
        raise UnreadableImageError(CAMERA_RAW, f"only a small preview can be read; {DEVELOP}")
    return max(full, key=_area)


def _directory(file: CountedBytes, at: int | None) -> ImageFileDirectory_v2:
    """The tags of one picture: the one at an offset, or the first."""
    head = file.getvalue()[:16]
    tags = ImageFileDirectory_v2(head if head[2:3] == b"+" else head[:8])
    file.seek(tags.next if at is None else at)
    tags.load(file)
    return tags


def _open_plain(content: bytes, tags: ImageFileDirectory_v2, turn: int | None) -> Image.Image:
    """The picture as Pillow reads it. With `turn`, its orientation, it is not the file's first."""
    if turn is not None:
        order, big = ("<" if content[:1] == b"I" else ">"), content[2:3] == b"+"
        offset = struct.pack(f"{order}{'Q' if big else 'L'}", tags.offset)
        content = content[: len(offset)] + offset + content[2 * len(offset) :]
    try:
        image: Image.Image = Image.open(CountedBytes(content), formats=("TIFF",))
    except UnidentifiedImageError as error:
        if not _area(tags) or _is_cut(content, tags):
            raise
        try:  # with the offset of a next picture appended, which may be truncated
            image = Image.open(CountedBytes(content + bytes(8)), formats=("TIFF",))
        except UnidentifiedImageError:
            raise UnreadableImageError(PIXELS, _describe(tags)) from error
    if turn:
        image.getexif().setdefault(ExifTags.Base.Orientation, turn)
    return image


def _is_cut(content: bytes, tags: ImageFileDirectory_v2) -> bool:
    """Whether the file ends within the tags, or within the offsets and sizes of the pixels."""
    if not {273, 279} <= set(tags) and not {324, 325} <= set(tags):
        return True
    order, big = ("<" if content[:1] == b"I" else ">"), content[2:3] == b"+"
    size, entry = (8, 20) if big else (2, 12)
    count = content[tags.offset : tags.offset + size]
    if len(count) < size:
        return True
    (number_of,) = struct.unpack(f"{order}{'Q' if big else 'H'}", count)
    return bool(tags.offset + size + entry * number_of > len(content))


def _is_reduced(tags: ImageFileDirectory_v2) -> bool:
    return bool(number(tags, _KIND) & 5) or number(tags, _OLD_KIND) == 2  # small, or a mask


def _area(tags: ImageFileDirectory_v2) -> int:
    return number(tags, _WIDTH) * number(tags, _HEIGHT)


def _open_grey(content: bytes, tags: ImageFileDirectory_v2, turn: int) -> Image.Image:
    """The pixels as bytes: a picture with one column for each byte of a row."""
    order = ">" if content[:1] == b"M" else "<"
    samples = Samples.of(tags, order)
    if samples is None:
        raise UnreadableImageError(PIXELS, _describe(tags))
    entries = {tag: numbers(tags, tag) for tag in _WHERE if tag in tags}
    entries |= {_WIDTH: [samples.row_bytes], _BITS: [8], _PHOTOMETRIC: [1], _SAMPLES: [1]}
    if samples.tile_width:
        entries[_TILE_WIDTH] = [samples.tile_width * samples.bits // 8]
    content = _with_entries(content, order, entries)
    packed = Image.open(CountedBytes(content), formats=("TIFF",))
    strip = samples.tile_width * samples.bits // 8 * number(tags, _TILE_HEIGHT)
    strip = strip or packed.width * min(packed.height, number(tags, _STRIP_HEIGHT, packed.height))
    meanwhile = packed.width * packed.height + len(content) + strip
    return GreyTiff(packed, samples, turn, meanwhile)


def _with_entries(content: bytes, order: str, entries: dict[int, list[int]]) -> bytes:
    """The file with new tags for its first picture; they are appended."""
    start = len(content) + len(content) % 2
    at = start + 2 + 12 * len(entries) + 4
    rows, beside = struct.pack(f"{order}H", len(entries)), b""
    for tag in sorted(entries):
        values = struct.pack(f"{order}{len(entries[tag])}L", *entries[tag])
        where = values if len(values) == 4 else struct.pack(f"{order}L", at + len(beside))
        rows += struct.pack(f"{order}HHL", tag, 4, len(entries[tag])) + where
        beside += values if len(values) > 4 else b""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}L", start)
    return head + content[8:].ljust(start - 8, b"\0") + rows + bytes(4) + beside


def _describe(tags: ImageFileDirectory_v2) -> str:
    bits = "/".join(map(str, numbers(tags, _BITS))) or "1"
    names = {UNSIGNED: "unsigned", SIGNED: "signed", FLOAT: "floating point"}
    kind = names.get(number(tags, _FORMAT, 1), "other")
    packing = COMPRESSION_INFO.get(number(tags, _COMPRESSION, 1), "unknown")
    return (
        f"{bits} bits, {kind}, photometric interpretation {number(tags, _PHOTOMETRIC)}, "
        f"compression {packing}; convert it to 8 or 16 bits a color"
    )
