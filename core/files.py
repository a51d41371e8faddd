"""Files that are written as a whole: a reader sees the old content or the new, never a part."""

import os
from collections.abc import Iterable
from pathlib import Path

_NAME = 60  # characters of a name that its temporary file keeps: a file system takes 255 bytes


def atomic_write(
    path: Path,
    content: bytes | Iterable[bytes],
    *,
    mode: int = 0o666,
    temporary: Path | None = None,
) -> None:
    """Write `content`, at once or in parts, to `path`, over an existing file; create its folder.

    The bytes are written to a temporary file, flushed to the disk, and the file is renamed. That
    file is beside `path`, or is `temporary`, on the same disk, where its owner clears a folder
    of what killed processes left. `mode` are the permissions, less the umask. Raises `OSError`;
    then nothing of the content is kept.
    """
    if temporary is None:
        temporary = path.with_name(f".{os.getpid()}-{path.name[-_NAME:]}.part")
    for place in (path, temporary):
        place.parent.mkdir(parents=True, exist_ok=True)
    temporary.unlink(missing_ok=True)  # of a killed process that had the same number
    parts = (content,) if isinstance(content, bytes) else content
    try:
        # Exclusive: a link that somebody else put there is not followed.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
