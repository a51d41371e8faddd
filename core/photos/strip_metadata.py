"""PNG and WebP stripped of metadata: chunks beside the pixels may have any size and any damage, and
must not cost the picture.

The profile and the orientation, which say how to display the picture, are read first, with a limit
on their decompressed size. All other metadata is ignored.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from core.photos.decoding_budget import CountedBytes, UnreadableImageError

NO_PICTURE = "has no picture in it"

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

MAX_PROFILE_BYTES = 2**23
"""Most bytes of a color profile. Profiles of printers have up to three million bytes."""

MAX_TEXT_BYTES = 2**20
"""Most bytes that are searched for an orientation; it is near the beginning."""

# Chunks beside the pixels that Pillow uses to display a picture; damaged ones are dropped.
_SHOWN_BY = (b"tRNS", b"acTL", b"eXIf", b"sRGB", b"gAMA", b"cHRM")
_LEAST = {b"acTL": 8, b"gAMA": 4, b"cHRM": 32, b"sRGB": 1}
"""Least bytes of a chunk that is useful."""

_LEAST_CLEAR = {0: 2, 2: 6}
"""Least bytes of the transparent grey or color (tRNS), by color type."""

_WEBP_PIXELS = (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF")
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_XMP, _RAW_EXIF = b"XML:com.adobe.xmp", b"Raw profile type exif"


class StrippedImage(NamedTuple):
    """The bytes of a picture without metadata, and useful metadata under Pillow's names for
    `Image.info`."""

    content: bytes
    info: dict[str, Any]


def strip_png(content: bytes) -> StrippedImage:
    """A PNG without texts and without damaged chunks beside its pixels.

    Raises `ImageTooCostlyError` for too many chunks, `UnreadableImageError` if there are no pixels.
    """
    kept, info, pixels, ended = [(0, 8)], dict[str, Any](), False, False
    least = _LEAST | {b"tRNS": _LEAST_CLEAR.get(int.from_bytes(content[25:26], "big"), 0)}
    for kind, start, end in _chunks(CountedBytes(content)):
        pixels, ended = pixels or kind == b"IDAT", ended or kind == b"IEND"
        if kind[:1].isupper():
            kept.append((start, end))
            continue
        body = content[start + 8 : end - 4]
        if struct.pack(">I", zlib.crc32(body, zlib.crc32(kind))) != content[end - 4 : end]:
            continue
        if kind in _SHOWN_BY and len(body) >= least.get(kind, 0):
            kept.append((start, end))
        else:
            info |= _read(kind, body)
    if ended and not pixels:
        raise UnreadableImageError(NO_PICTURE, "it ends before any pixels")
    if sum(end - start for start, end in kept) == len(content):
        return StrippedImage(content, info)
    return StrippedImage(b"".join(content[start:end] for start, end in kept), info)


def color_code(content: bytes) -> tuple[int, ...] | None:
    """Color primaries and transfer characteristics (ITU-T H.273) that an AVIF or HEIF states for
    the first of its pictures that has any."""
    at = content.find(b"colrnclx")
    return struct.unpack(">HH", content[at + 8 : at + 12]) if 0 < at < len(content) - 12 else None


def _read(kind: bytes, body: bytes) -> dict[str, Any]:
    """The information of a chunk that affects how the picture is displayed."""
    if kind in _TEXTS:
        return _text(kind, body)
    if kind == b"iCCP":
        profile = _unpacked(body.partition(b"\0")[2][1:], MAX_PROFILE_BYTES + 1)
        return {"icc_profile": profile} if 0 < len(profile) <= MAX_PROFILE_BYTES else {}
    return {"cicp": tuple(body)} if kind == b"cICP" and len(body) == 4 else {}


def strip_webp(content: bytes) -> bytes:
    """A WebP with truncated metadata or a wrong length, reduced to its complete chunks; any other
    WebP unchanged."""
    if len(content) < 12 or struct.unpack("<I", content[4:8])[0] == len(content) - 8:
        return content
    at, kept = 12, list[bytes]()
    while at + 8 <= len(content):
        kind, size = struct.unpack("<4sI", content[at : at + 8])
        chunk = content[at : at + 8 + size + size % 2]
        if len(chunk) < 8 + size and kind not in _WEBP_PIXELS:
            break  # metadata, or data appended after the picture
        kept.append(chunk)
        at += len(chunk)
    body = b"".join(kept)
    return content[:4] + struct.pack("<I", len(body) + 4) + content[8:12] + body


def _chunks(file: CountedBytes) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and end of the chunks of a PNG, up to its end or to where it is truncated."""
    at = len(PNG_SIGNATURE)
    while file.seek(at) == at and len(head := file.read(8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        yield kind, at, at + 12 + size
        if kind == b"IEND":
            return
        at += 12 + size


def _text(kind: bytes, body: bytes) -> dict[str, Any]:
    """The orientation in a text chunk, if chunks with its keyword may have one."""
    key, _, rest = body.partition(b"\0")
    if key not in {_XMP, _RAW_EXIF}:
        return {}
    packed = kind == b"zTXt"
    if kind == b"iTXt":
        packed, rest = rest[:1] == b"\1", rest[2:].split(b"\0", 2)[-1]
    elif packed:
        rest = rest[1:]
    text = _unpacked(rest, MAX_TEXT_BYTES) if packed else rest[:MAX_TEXT_BYTES]
    if key == _XMP:
        return {"xmp": text}
    return {"Raw profile type exif": text.decode("latin-1")} if len(text) < MAX_TEXT_BYTES else {}


def _unpacked(packed: bytes, most: int) -> bytes:
    """The first `most` decompressed bytes, or fewer if the data is damaged after them."""
    unpack, done, at = zlib.decompressobj(), bytearray(), 0
    try:
        while at < len(packed) and len(done) < most and not unpack.eof:
            done += unpack.decompress(packed[at : at + 65_536], most - len(done))
            at += 65_536
    except zlib.error:
        pass
    return bytes(done)
