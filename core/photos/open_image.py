"""The one place where bytes of strangers become an opened picture, and an opened one its pixels.

Pillow gives up on intact pixels for what stands beside them: a long text, a missing end. Here it is
given the picture without that.
"""

import struct

import pillow_heif
from PIL import Image

from core.photos import jpeg, strip_metadata, tiff
from core.photos.decoding_budget import CountedBytes, check_scans

NO_END = "JPEG without its end: all of its pixels are there"

# Depth maps, thumbnails and the like inside are never looked at; one thread, as photos are decoded
# side by side already.
pillow_heif.register_heif_opener(
    thumbnails=False, depth_images=False, aux_images=False, decode_threads=1
)
Image.init()  # Pillow loads the readers of its rarer formats late, and fails on their names before


def open_image(content: bytes, formats: tuple[str, ...]) -> Image.Image:
    """Open a picture of one of Pillow's `formats` without unpacking its pixels.

    Raises `PictureError` for what is not read, and for damaged bytes whatever Pillow raises. The
    colors are those of the file: what says which those are is in `Image.info`.
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
    """Unpack the pixels of an opened picture. What is returned holds them, in place of what was
    given, and with it what a person should be told of it.

    Raises for damaged pixels whatever Pillow raises.
    """
    try:
        image.load()
    except OSError:
        content = _unended(image)
        if content is None:
            raise
        scale, bands = _scale(image), len(image.getbands())
        image.close()  # its memory is there for the next

        def load(content: bytes) -> Image.Image:
            again = Image.open(CountedBytes(content), formats=("JPEG",))
            again.draft(None, (again.width // scale, again.height // scale))
            again.load()
            return again

        if not jpeg.has_all_pixels(content, bands, load):
            raise
        return load(content + jpeg.JPEG_END), NO_END
    return image, None


def _unended(image: Image.Image) -> bytes | None:
    """The bytes of an opened JPEG that may lack its end alone."""
    file = getattr(image, "fp", None)
    if image.format not in {"JPEG", "MPO"} or not isinstance(file, CountedBytes):
        return None
    content = file.getvalue().rstrip(b"\xff")
    return content if content.rfind(jpeg.JPEG_END) < content.rfind(b"\xff\xda") else None


def _scale(image: Image.Image) -> int:
    config = getattr(image, "decoderconfig", None)
    return int(config[0]) if config else 1
