"""The one place where untrusted bytes are opened as an image, and an opened image is decoded.

Pillow refuses intact pixels because of data beside them: a long text, a missing end. This module
removes that data first.
"""

import struct

import pillow_heif
from PIL import Image

from core.photos import jpeg, strip_metadata, tiff
from core.photos.decoding_budget import CountedBytes, check_scans

NO_END = "JPEG without its end: all of its pixels are there"

# Depth maps and thumbnails inside a file are not used. One thread: photos are decoded in parallel
# already.
pillow_heif.register_heif_opener(
    thumbnails=False, depth_images=False, aux_images=False, decode_threads=1
)
Image.init()  # Pillow loads rarer readers late and fails on their names until then


def open_image(content: bytes, formats: tuple[str, ...]) -> Image.Image:
    """Open an image of one of Pillow's `formats` without decoding its pixels.

    Raises `UnreadableImageError` for unsupported files, and what Pillow raises for damaged bytes.
    Colors are not converted; `Image.info` says which they are.
    """
    check_scans(content)
    if content.startswith(strip_metadata.PNG_SIGNATURE) and "PNG" in formats:
        bare = strip_metadata.strip_png(content)
        image = Image.open(CountedBytes(bare.content), formats=("PNG",))
        image.info.update(bare.info)
        return image
    if content.startswith(tiff.TIFF_SIGNATURES) and "TIFF" in formats:
        return tiff.open_tiff(content)
    if content[:4] == b"RIFF":
        content = strip_metadata.strip_webp(content)
    elif content.startswith(b"\xff\xd8"):
        content = jpeg.strip_padding(content)
    try:
        image = Image.open(CountedBytes(content), formats=formats)
    except (OSError, ValueError, IndexError, struct.error):
        if not content.startswith(b"\xff\xd8"):
            raise
        return Image.open(CountedBytes(jpeg.strip_jpeg(content)), formats=("JPEG",))
    if image.format in {"AVIF", "HEIF"} and (code := strip_metadata.color_code(content)):
        image.info["cicp"] = code
    return image


def load_image(image: Image.Image) -> tuple[Image.Image, str | None]:
    """Decode the pixels of an opened image.

    Returns the decoded image, which may be another object than `image`, and a remark for the user,
    or None. A JPEG that lacks only its end marker is decoded, with a remark. Raises Pillow's own
    errors for damaged pixels.
    """
    try:
        image.load()
    except OSError:
        content = _without_end(image)
        if content is None:
            raise
        config, bands = getattr(image, "decoderconfig", None), len(image.getbands())
        scale = int(config[0]) if config else 1
        image.close()  # frees its memory for the next image

        def load(content: bytes) -> Image.Image:
            again = Image.open(CountedBytes(content), formats=("JPEG",))
            again.draft(None, (again.width // scale, again.height // scale))
            again.load()
            return again

        if not jpeg.has_all_pixels(content, bands, load):
            raise
        return load(content + jpeg.JPEG_END), NO_END
    return image, None


def _without_end(image: Image.Image) -> bytes | None:
    """The bytes of an opened JPEG without an end marker after its last scan; None for any other
    image."""
    file = getattr(image, "fp", None)
    if image.format not in {"JPEG", "MPO"} or not isinstance(file, CountedBytes):
        return None
    content = file.getvalue().rstrip(b"\xff")
    return content if content.rfind(jpeg.JPEG_END) < content.rfind(b"\xff\xda") else None
