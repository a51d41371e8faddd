"""A folder with files and a sidecar, read as an ingest does; for tests of sidecars."""

from pathlib import Path

from core.records import Drop, Notice, Photo
from crawlers.imports.folder import FolderSource

Records = list[Photo | Drop | Notice]


def read(
    folder: Path,
    text: str | bytes,
    name: str = "facts.csv",
    files: str = "a.jpg b.jpg",
    **columns: str,
) -> Records:
    """The records of a folder with these files and a sidecar of this text inside it."""
    for file in files.split():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(b"photo")
    table = folder / name
    table.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(FolderSource(folder, sidecar=table, columns=columns or None).records())


def words(records: Records) -> dict[str, dict[str, str]]:
    """The words of each photo, by the name of its file."""
    return {
        Path(record.sighting.source_id).name: record.sighting.words
        for record in records
        if isinstance(record, Photo)
    }


def drops(records: Records) -> list[tuple[str, str]]:
    """Where each drop stands in the sidecar, and its reason."""
    return [
        (record.source_id.split("#")[1], record.reason)
        for record in records
        if isinstance(record, Drop)
    ]


def notices(records: Records) -> list[str]:
    """The text of each notice."""
    return [record.text for record in records if isinstance(record, Notice)]
