"""Photos as files named by their content."""

import hashlib
import os
from pathlib import Path


def photo_path(folder: Path, sha256: str) -> Path:
    """Where the photo with these bytes is; a folder holds one part in 256 of all."""
    return folder / "photos" / sha256[:2] / sha256


def store_photo(folder: Path, content: bytes) -> str:
    """Keep a photo's bytes and return their SHA-256; written aside and renamed, so that a file of
    that name is always whole. Raises `OSError`."""
    digest = hashlib.sha256(content).hexdigest()
    path = photo_path(folder, digest)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{digest}.{os.getpid()}")
        aside.write_bytes(content)
        aside.replace(path)
    return digest
