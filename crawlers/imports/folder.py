"""A folder of photos as a source, with facts from an optional sidecar."""

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from core.records import Drop, Notice, Photo, Sighting, SourceError, count_seen
from core.text import escape_bytes
from crawlers.imports.drive import FolderOnDrive
from crawlers.imports.sidecar.read import (
    SIGHTING_FIELDS,
    Sidecar,
    load_sidecar,
    real_path,
)
from crawlers.imports.walk import WENT_AWAY, walk_files

NO_ROW = "file has no row in the sidecar"


@dataclass(frozen=True)
class FolderSource(FolderOnDrive):
    """All files below `path` that may be photos, in a stable order; none is opened here.

    A photo gets the facts of its row in the sidecar. No fact is ever withdrawn: not without a
    sidecar, and not if a file's row or a column is gone. `sidecar` is a CSV or JSON table with
    facts for each file; `columns` maps targets to its columns (see `imports.sidecar.read`). Text
    and label files are left out by their suffixes. Every other file is tried: if it is not a photo,
    decoding rejects it with a reason.
    """

    path: Path
    _: KW_ONLY
    sidecar: Path | None = None
    columns: Mapping[str, str] | None = None
    name: str = "folder"

    def count(self) -> int:
        """The number of photos and drops, by a walk that opens no photo."""
        return count_seen(self.records())

    def records(self) -> Iterator[Photo | Drop | Notice]:
        """The sidecar's broken rows, then the files, then the rows without a file.

        Raises `SourceError` if the folder is absent, vanishes meanwhile or holds no file that may
        be a photo, if the sidecar cannot be understood, and for a column map without a sidecar.
        """
        self.check()
        self.check_still_there()
        sidecar = self._sidecar
        yield from sidecar.reports if sidecar else ()
        used: set[str] = set()
        anything = False
        own = real_path(str(self.sidecar.absolute()), {}) if self.sidecar else None
        for found in walk_files(self.path, self.name, without=own):
            anything = anything or not isinstance(found, Notice)
            if isinstance(found, Path):
                used.add(str(found))
                yield from self._photo(found, sidecar)
            else:
                if isinstance(found, Drop) or found.text == WENT_AWAY:
                    self.check_still_there()
                yield found
        self.check_still_there()
        if not anything:
            raise SourceError(
                f"the folder {escape_bytes(self.path)} holds no file that may be a photo"
            )
        yield from sidecar.unused(used) if sidecar else ()

    def check(self) -> None:
        """Raise `SourceError` for an absent folder or a sidecar that cannot be understood."""
        if not self.path.is_dir():
            what = "is a file" if self.path.exists() else "does not exist"
            raise SourceError(
                f"{escape_bytes(self.path)} {what}; give the folder that has the photos"
            )
        if self.columns and self.sidecar is None:
            raise SourceError(f"a column map {dict(self.columns)} needs the sidecar it is about")
        _ = self._sidecar

    @cached_property
    def _sidecar(self) -> Sidecar | None:
        if self.sidecar is None:
            return None
        return load_sidecar(self.sidecar, self.path, self.columns, self.name)

    def _photo(self, path: Path, sidecar: Sidecar | None) -> Iterator[Photo | Notice]:
        facts = sidecar.facts.get(str(path)) if sidecar else None
        values = dict(facts.values) if facts else {}
        # A damaged cell withdraws nothing.
        covers = [t for t in sidecar.covers if t not in facts.unsure] if sidecar and facts else []
        fields: dict[str, Any] = {name: values.pop(name, None) for name in SIGHTING_FIELDS}
        sighting = Sighting(
            source=self.name,
            source_id=escape_bytes(path),
            words=values,
            image_url=path.as_uri(),
            teller=sidecar.teller if sidecar else "",
            covers=tuple(covers),
            **fields,
        )
        yield Photo(sighting, path)
        if sidecar and facts is None:
            yield Notice(NO_ROW, escape_bytes(path))
