"""The drive that a folder is on, which can go away while the folder is read."""

import os
from functools import cached_property
from pathlib import Path

from core.records import SourceError
from crawlers.imports.walk import readable_path


class FolderOnDrive:
    """A source that reads a folder."""

    path: Path

    def check_still_there(self) -> None:
        """Raise `SourceError` where the drive of the folder is not the one any more that it was.

        A drive that is disconnected takes the folder along, or leaves the empty one that it was
        mounted on: what was listed then cannot be read, and no file of it is at fault.
        """
        if self._drive is None or _drive(self.path) != self._drive:
            raise SourceError(
                f"the folder {readable_path(self.path)} went away while it was read; was its drive "
                "or network disconnected? The photos registered so far stay; connect it again and "
                "run the same command"
            )

    @cached_property
    def _drive(self) -> int | None:
        return _drive(self.path)


def _drive(folder: Path) -> int | None:
    """The number of the drive that a folder is on, None where it is on none; no inode, for file
    systems of networks give a folder another one whenever they forgot it."""
    try:
        # With a dot behind, a drive that is mounted when it is needed is; else its number would be
        # another one when the folder was read, and a good run would fail.
        return os.stat(f"{folder}/.").st_dev  # noqa: PTH116 - Path would drop the dot
    except OSError:
        return None
