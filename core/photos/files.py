"""Reading the file of a photo, up to a limit of size."""

from pathlib import Path

from core.photos.decode import RejectedError

MAX_BYTES = 256 * 2**20
FILE_TOO_LARGE = f"over {MAX_BYTES // 2**20} MiB"


def read_photo(held: bytes | Path) -> bytes:
    """The bytes, read from a file if `held` is a path.

    Raises `OSError`, and `RejectedError` for more than `MAX_BYTES`: a film of gigabytes would fill
    the memory before it is recognized.
    """
    size = len(held) if isinstance(held, bytes) else held.stat().st_size
    if not size and isinstance(held, Path):
        with held.open("rb") as file:  # a pipe or a device, which has no size and may have no end
            held = file.read(MAX_BYTES + 1)
        size = len(held)
    if size > MAX_BYTES:
        raise RejectedError(FILE_TOO_LARGE, "no photo is that large")
    return held if isinstance(held, bytes) else held.read_bytes()
