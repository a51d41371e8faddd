"""A file has its old content or the new one, whatever happens while it is written."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.files import atomic_write


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_is_made_with_its_folder_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file.json"
    atomic_write(path, b"old")
    assert path.read_bytes() == b"old"
    atomic_write(path, (part for part in (b"n", b"ew")))
    assert path.read_bytes() == b"new"
    assert files(tmp_path) == ["new/folder/file.json"]


def test_content_that_breaks_off_leaves_the_old_file(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        atomic_write(path, broken())
    assert path.read_bytes() == b"old"
    assert files(tmp_path) == ["file"]


def test_a_secret_is_for_its_owner_from_the_first_byte(tmp_path: Path) -> None:
    modes = []

    def parts() -> Iterator[bytes]:
        modes.append(stat.S_IMODE(temporary.stat().st_mode))
        yield b"secret"

    temporary, path = tmp_path / "aside" / "file", tmp_path / "file"
    atomic_write(path, parts(), mode=0o600, temporary=temporary)
    assert [*modes, stat.S_IMODE(path.stat().st_mode)] == [0o600, 0o600]
    assert files(tmp_path) == ["file"]


def test_what_a_killed_process_left_is_replaced_and_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"untouched")
    temporary = tmp_path / "temporary"
    temporary.symlink_to(tmp_path / "other")
    atomic_write(tmp_path / "file", b"new", temporary=temporary)
    assert (tmp_path / "other").read_bytes() == b"untouched"
    assert files(tmp_path) == ["file", "other"]


@pytest.mark.parametrize("letter", ["a", "ä", "車", "🚗"])
def test_the_longest_name_that_a_disk_takes_is_written(tmp_path: Path, letter: str) -> None:
    path = tmp_path / (letter * (255 // len(letter.encode())))
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new"
