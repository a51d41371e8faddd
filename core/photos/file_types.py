"""The type of a file that no reader opens: a damaged photo, an unsupported format, or no image."""

import re

from core.photos.strip_metadata import NO_PICTURE
from core.photos.tiff import CAMERA_RAW, DEVELOP

EMPTY_FILE = "empty file"
NOT_AN_IMAGE = "not an image"
SVG = "SVG is not a photo"
VIDEO = "video is not a photo"
JPEG_2000 = "JPEG 2000 is not read"
TRUNCATED = "truncated or damaged"

FRAME = "take a frame of it as a photo"
CONVERT = "convert it to JPEG, PNG, WebP or AVIF"

# Signatures of the supported formats: a file with one that no reader opens was cut off early.
_READ = (
    (re.compile(rb"\xff\xd8\xff"), "JPEG"),
    (re.compile(rb"\x89PNG\r\n"), "PNG"),
    (re.compile(rb"GIF8"), "GIF"),
    (re.compile(rb"II\*\x00|MM\x00\*"), "TIFF"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "WebP"),
    (re.compile(rb"BM.{12}[\x0c\x28\x6c\x7c]\x00\x00\x00", re.DOTALL), "BMP"),
)

# Offset, signature, reason and advice. Camera raw files that are TIFFs are handled in
# `core.photos.tiff`.
_SIGNATURES: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\xff\x0a", "JPEG XL is not read", CONVERT),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL is not read", CONVERT),
    (0, b"\xff\x4f\xff\x51", JPEG_2000, CONVERT),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", JPEG_2000, CONVERT),
    (0, b"II\xbc", "JPEG XR is not read", CONVERT),
    (0, b"\xff\xd8\xff\xf7", "JPEG-LS is not read", CONVERT),
    (0, b"FUJIFILMCCD-RAW", CAMERA_RAW, DEVELOP),
    (0, b"IIRO", CAMERA_RAW, DEVELOP),
    (0, b"IIRS", CAMERA_RAW, DEVELOP),
    (0, b"MMOR", CAMERA_RAW, DEVELOP),
    (0, b"IIU\0", CAMERA_RAW, DEVELOP),
    (0, b"FOVb", CAMERA_RAW, DEVELOP),
    (0, b"\0MRM", CAMERA_RAW, DEVELOP),
    (6, b"HEAPCCDR", CAMERA_RAW, DEVELOP),
    (0, b"8BPS", "Photoshop file is not read", CONVERT),
    (0, b"gimp xcf", "GIMP file is not read", CONVERT),
    (0, b"\x76\x2f\x31\x01", "OpenEXR is not read", CONVERT),
    (0, b"#?RADIANCE", "Radiance HDR is not read", CONVERT),
    (0, b"#?RGBE", "Radiance HDR is not read", CONVERT),
    (0, b"qoif", "QOI is not read", CONVERT),
    (0, b"BPG\xfb", "BPG is not read", CONVERT),
    (0, b"FLIF", "FLIF is not read", CONVERT),
    (0, b"farbfeld", "farbfeld is not read", CONVERT),
    (0, b"\x8bJNG\r\n", "JNG is not read", CONVERT),
    (0, b"\x8aMNG\r\n", "MNG is not read", CONVERT),
    (0, b"DDS ", "DDS is not read", CONVERT),
    (0, b"\xabKTX ", "KTX is not read", CONVERT),
    (0, b"\x01\xda", "SGI is not read", CONVERT),
    (0, b"\x59\xa6\x6a\x95", "Sun raster is not read", CONVERT),
    (0, b"icns", "icon is not read", CONVERT),
    (128, b"DICM", "DICOM is not read", CONVERT),
    (0, b"SIMPLE  =", "FITS is not read", CONVERT),
    (0, b"AT&TFORM", "DjVu is not read", CONVERT),
    (0, b"%PDF-", "PDF is not read", CONVERT),
    (0, b"%!PS", "PostScript is not read", CONVERT),
    (0, b"\xc5\xd0\xd3\xc6", "PostScript is not read", CONVERT),
    (0, b"\xd7\xcd\xc6\x9a", "Windows metafile is not read", CONVERT),
    (40, b" EMF", "Windows metafile is not read", CONVERT),
    (0, b"\x1a\x45\xdf\xa3", VIDEO, FRAME),
    (8, b"AVI ", VIDEO, FRAME),
    (0, b"FLV\1", VIDEO, FRAME),
    (0, b"\0\0\1\xba", VIDEO, FRAME),
)
_FORMS = (
    (re.compile(rb"P(?:[1-6]|7\n)(?:\s|#)"), "Netpbm"),
    (re.compile(rb"\x00\x00[\x01\x02]\x00[\x01-\x40]\x00...\x00", re.DOTALL), "icon"),
    (re.compile(rb"\x0a[\x00\x02-\x05]\x01[\x01\x02\x04\x08]"), "PCX"),
)

# Brands in the `ftyp` box, with which MP4 and its relatives begin.
_BRANDS: dict[bytes, tuple[str, str]] = {
    **dict.fromkeys((b"crx ",), (CAMERA_RAW, DEVELOP)),
    **dict.fromkeys((b"jxl ",), ("JPEG XL is not read", CONVERT)),
    **dict.fromkeys(
        (b"avci", b"avcs", b"vvic", b"evbi", b"jpeg", b"jpgs", b"unif"),
        ("HEIF of a codec that is not read", CONVERT),
    ),
    **dict.fromkeys((b"jp2 ", b"jpx ", b"jph ", b"j2ki"), (JPEG_2000, CONVERT)),
}
_HEIF_BRANDS = (b"mif1", b"msf1", b"miaf", b"hei", b"hev")
_SEQUENCES = (b"hevc", b"hevx", b"hevm", b"hevs", b"msf1")

# Possessive quantifiers: otherwise many comments would be tried in every way to split them.
_SVG = re.compile(
    rb"(?>\s+|<\?.*?\?>|<!--.*?-->|<!doctype[^\[>]*(?:\[.*?\]\s*)?>)*+<(?:[a-z]+:)?svg\b",
    re.IGNORECASE | re.DOTALL,
)
_SVG_WITHIN = 65_536  # drawing programs put long comments and name lists before the picture


def unknown_type_reason(content: bytes) -> tuple[str, str]:
    """The reason (a constant for counts) and the detail, for bytes that no reader opens."""
    if _is_without_picture(content):
        return NO_PICTURE, "it ends before any pixels"
    for at, sign, reason, detail in _SIGNATURES:
        if content.startswith(sign, at):
            return reason, detail
    if content[4:8] == b"ftyp":
        return _by_brand(content)
    return _by_form(content) or (NOT_AN_IMAGE, f"begins with {content[:12]!r}")


def _cut_off(content: bytes, kind: str) -> tuple[str, str]:
    return TRUNCATED, f"{kind} whose {len(content):,} bytes do not tell its size"


def _by_brand(content: bytes) -> tuple[str, str]:
    end = int.from_bytes(content[:4], "big")
    brands = [content[8:12], *(content[at : at + 4] for at in range(16, min(end, 256), 4))]
    for brand in brands:
        if brand in _BRANDS:
            return _BRANDS[brand]
    if any(brand in {b"avif", b"avis"} for brand in brands):
        return _cut_off(content, "AVIF")
    if brands[0] in _SEQUENCES:
        return "HEIF sequence is not read", CONVERT
    if any(brand.startswith(_HEIF_BRANDS) for brand in brands):
        return _cut_off(content, "HEIC or HEIF")
    return VIDEO, FRAME


def _by_form(content: bytes) -> tuple[str, str] | None:
    """The reason for formats whose signature alone is too short to recognize them."""
    for beginning, kind in _READ:
        if beginning.match(content):
            return _cut_off(content, kind)
    head = content[:_SVG_WITHIN].removeprefix(b"\xef\xbb\xbf")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head.decode("utf-16", "replace").encode()
    if _SVG.match(head):
        return SVG, ""
    if content.endswith(b"TRUEVISION-XFILE.\0"):
        return "TGA is not read", CONVERT
    for form, name in _FORMS:
        if form.match(content):
            return f"{name} is not read", CONVERT
    return None


def _is_without_picture(content: bytes) -> bool:
    """Whether a GIF or JPEG ends before any pixels."""
    if content.startswith(b"GIF8"):
        return _first_gif_block(content) == 0x3B
    at = 2
    while content.startswith(b"\xff\xd8") and content[at : at + 1] == b"\xff":
        marker = content[at + 1 : at + 2]
        if marker in {b"\xd9", b"\xda", b""}:
            return marker == b"\xd9"
        at += 1 if marker == b"\xff" else 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return False


def _first_gif_block(content: bytes) -> int | None:
    """The type of a GIF's first block that is neither a comment nor another extension; None without
    one."""
    flags = content[10] if len(content) > 10 else 0
    at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    while at < len(content):
        if content[at] != 0x21:
            return content[at]
        at += 2
        while at < len(content) and content[at]:
            at += 1 + content[at]
        at += 1
    return None
