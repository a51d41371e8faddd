"""The drive of a folder, which may be disconnected while the folder is read."""

import os
from functools import cached_property
from pathlib import Path

from core.records import SourceError
from core.text import escape_bytes


class FolderOnDrive:
    """A source that reads a folder."""

    path: Path

    def check_still_there(self) -> None:
        """Raise `SourceError` if the folder is no longer on the drive that it was on.

        When a drive is disconnected, the folder vanishes or becomes the empty mount point: the
        listed files then cannot be read, though none of them is broken.
        """
        if self._drive is None or _drive(self.path) != self._drive:
            raise SourceError(
                f"the folder {escape_bytes(self.path)} went away while it was read; was its drive "
                "or network disconnected? The photos registered so far stay; connect it again and "
                "run the same command"
            )

    @cached_property
    def _drive(self) -> int | None:
        return _drive(self.path)


def _drive(folder: Path) -> int | None:
    """The device number of a folder's drive; None if the folder is gone. The inode is not compared:
    network file systems may give a folder a new one."""
    try:
        # The final dot mounts a drive that is mounted on demand. Otherwise its number would change
        # when the folder is read, and a good run would fail.
        return os.stat(f"{folder}/.").st_dev  # noqa: PTH116 - Path would drop the dot
    except OSError:
        return None
