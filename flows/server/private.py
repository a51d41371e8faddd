"""Folders and files of this machine that only their owner may read."""

import secrets
from contextlib import suppress
from pathlib import Path

from core.files import atomic_write

AUTH_FILE = "auth"
_OTHERS = 0o077


def make_private(folder: Path) -> None:
    """Make a folder that only its owner may enter, or remove others' rights from an existing one.

    Raises `OSError` where it cannot be made; one of another owner is left as it is.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tighten(folder)


def load_auth(folder: Path) -> str | None:
    """The secret that the server of `folder` asks for; None where there is none."""
    try:
        return (folder / AUTH_FILE).read_text(encoding="ascii").strip() or None
    except OSError:
        return None


def make_auth(folder: Path) -> str:
    """The secret of the server of `folder`, made at its first start and kept for its owner."""
    if (there := load_auth(folder)) is not None:
        tighten(folder / AUTH_FILE)
        return there
    made = f"marque:{secrets.token_urlsafe(32)}"
    atomic_write(folder / AUTH_FILE, made.encode(), mode=0o600)
    return made


def tighten(path: Path) -> None:
    """Take others' rights from a file or a folder, as far as that is allowed."""
    with suppress(OSError):
        mode = path.lstat().st_mode
        if mode & _OTHERS and not path.is_symlink():
            path.chmod(mode & 0o7777 & ~_OTHERS)
