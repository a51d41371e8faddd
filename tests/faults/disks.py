"""Disks that are small, full or read-only: tmpfs, which only root may mount."""

import subprocess
from pathlib import Path

import pytest


class Disk:
    """A small file system of its own."""

    def __init__(self, path: Path, mebibytes: int) -> None:
        self.path = path
        self._filler = path / "filler"
        path.mkdir()
        done = _call("mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "none", str(path))
        if done.returncode:
            pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")

    def fill(self, leave: int = 0) -> None:
        """Write a file that leaves so many bytes."""
        try:
            with self._filler.open("ab", buffering=0) as file:
                while file.write(b"0" * 4096):
                    pass
        except OSError:
            pass  # full, as it should be
        with self._filler.open("ab") as file:
            file.truncate(max(0, file.tell() - leave))

    def make_room(self) -> None:
        """Take that file away, and let the disk be large."""
        self._filler.unlink(missing_ok=True)
        self._remount("size=256m")

    def allow_writes(self, allowed: bool) -> None:
        """Let the disk be written, or read only."""
        self._remount("rw" if allowed else "ro")

    def _remount(self, option: str) -> None:
        _call("mount", "-o", f"remount,{option}", str(self.path)).check_returncode()

    def close(self) -> None:
        """Take it away; a file that is still open keeps it alive and nothing else."""
        _call("umount", "--lazy", str(self.path))


def _call(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False)
