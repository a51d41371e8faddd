"""Kinds of damage to a catalog's folder, by name: each is done to a copy of a whole one."""

import shutil
from collections.abc import Callable
from pathlib import Path

import lancedb
import pyarrow as pa

from catalog.migrations import current_format, format_row
from catalog.table import open_catalog

Damage = Callable[[Path], None]


def every(pattern: str, do: Callable[[Path], object]) -> Damage:
    """Do this to every file or folder of the catalog that a pattern finds."""

    def damage(place: Path) -> None:
        found = sorted(place.glob(pattern))
        assert found, f"no {pattern}"
        for path in found:
            do(path)

    return damage


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwritten(path: Path) -> None:
    path.write_bytes(b"\x89PNG garbage \xff\x00" * (1 + path.stat().st_size // 14))


def headless(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-16:] = b"\xff" * min(16, len(content))
    path.write_bytes(content)


def removed(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def a_file(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text("not a folder")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def renamed(path: Path) -> None:
    path.rename(path.with_name(path.name.upper().replace(".LANCE", ".lance")))


def made_anew(name: str, schema: pa.Schema) -> Damage:
    def damage(place: Path) -> None:
        shutil.rmtree(place / f"{name}.lance")
        lancedb.connect(place).create_table(name, schema=schema)

    return damage


def changed(name: str, change: Callable[[lancedb.table.Table], object]) -> Damage:
    def damage(place: Path) -> None:
        change(lancedb.connect(place).open_table(name))

    return damage


def retyped(table: lancedb.table.Table) -> None:
    table.drop_columns(["revision"])
    table.add_columns({"revision": "'1'"})


def newer(place: Path) -> None:
    catalog = open_catalog(place)
    number = current_format() + 1
    catalog.insert("format", format_row(number, "later", catalog.specs["format"].schema))


def leftovers(place: Path) -> None:
    (place / ".DS_Store").write_bytes(b"\x00\x01")
    (place / "Thumbs.db").write_bytes(b"\x00")
    (place / "copy of cars.lance").mkdir()
    (place / "notes.lance").mkdir()
    (place / "other.lance").write_text("mine")
    (place / "cars.lance" / "._data").write_bytes(b"\x00")
    (place / "cars.lance" / "_versions" / ".tmp123").write_bytes(b"\x00")
    (place / "cars.lance" / "_versions" / "desktop.ini").write_bytes(b"\x00")
    (place / "cars.lance" / "_refs" / "tags" / ".DS_Store").write_bytes(b"\x00")


def other_tag(place: Path) -> None:
    (place / "cars.lance" / "_refs" / "tags" / "mine.json").write_bytes(b"")


_OTHER = pa.schema([pa.field("image_id", pa.string()), pa.field("x", pa.int32())])

WHOLE: dict[str, Damage] = {
    "published tag emptied": every("cars.lance/_refs/tags/published.json", emptied),
    "published tag overwritten": every("cars.lance/_refs/tags/published.json", overwritten),
    "published tag removed": every("cars.lance/_refs/tags/published.json", removed),
    "another tag emptied": other_tag,
    "refs removed": every("cars.lance/_refs", removed),
    "transactions removed": every("*.lance/_transactions", removed),
    "transactions emptied": every("*.lance/_transactions/*", emptied),
    "hints of the newest version emptied": every("*.lance/_versions/*.json", emptied),
    "leftovers of other programs": leftovers,
    "format removed": every("format.lance", removed),
    "a column of somebody else": changed(
        "sightings", lambda table: table.add_columns(pa.schema([pa.field("mine", pa.string())]))
    ),
    "index removed": every("cars.lance/_indices", removed),
    "index emptied": every("cars.lance/_indices/*/*", emptied),
    "index overwritten": every("cars.lance/_indices/*/*", overwritten),
}
"""All rows are there: at most the tag or an index is to be made anew."""

BROKEN: dict[str, Damage] = {
    "images removed": every("images.lance", removed),
    "sightings and assertions removed": every("[sa][is][gs]*s.lance", removed),
    "cars removed": every("cars.lance", removed),
    "labelers a file": every("labelers.lance", a_file),
    "images in capitals": every("images.lance", renamed),
    "manifests emptied": every("images.lance/_versions/*.manifest", emptied),
    "manifests cut": every("cars.lance/_versions/*.manifest", cut),
    "manifests overwritten": every("sightings.lance/_versions/*.manifest", overwritten),
    "manifests without an end": every("assertions.lance/_versions/*.manifest", headless),
    "manifests removed": every("assertions.lance/_versions/*", removed),
    "manifests folders": every("runs.lance/_versions/*.manifest", a_folder),
    "data emptied": every("cars.lance/data/*", emptied),
    "data cut": every("sightings.lance/data/*", cut),
    "data overwritten": every("assertions.lance/data/*", overwritten),
    "data without an end": every("images.lance/data/*", headless),
    "data removed": every("cars.lance/data", removed),
    "data a file": every("sightings.lance/data", a_file),
    "a column that somebody else must fill": changed(
        "sightings", lambda table: table.add_columns({"mine": "'x'"})
    ),
    "format emptied": every("format.lance/_versions/*.manifest", emptied),
    "format overwritten": every("format.lance/data/*", overwritten),
    "a newer format": newer,
    "a table of another schema": made_anew("sightings", _OTHER),
    "a column missing": changed("sightings", lambda table: table.drop_columns(["revision"])),
    "a column of another type": changed("sightings", retyped),
    "a label of another type": changed(
        "cars",
        lambda table: (table.drop_columns(["color"]), table.add_columns({"color": "1"})),
    ),
    "vectors without a record": changed(
        "cars",
        lambda table: (
            table.drop_columns(["semantic"]),
            table.add_columns(pa.schema([pa.field("semantic", pa.list_(pa.float16(), 16))])),
        ),
    ),
}
"""Something is lost or cannot be read."""

HINTS = {
    "published tag emptied": "the tag 'published'",
    "published tag overwritten": "the tag 'published'",
    "index removed": "index over 'semantic'",
    "index emptied": "index over 'semantic'",
    "index overwritten": "index over 'semantic'",
    "images removed": "table 'images' is missing",
    "sightings and assertions removed": "tables 'sightings', 'assertions' are missing",
    "cars removed": "table 'cars' is missing",
    "labelers a file": "'labelers'",
    "images in capitals": "table 'images' is missing",
    "manifests emptied": "table 'images'",
    "manifests cut": "table 'cars'",
    "manifests overwritten": "table 'sightings'",
    "manifests without an end": "table 'assertions'",
    "manifests removed": "'assertions'",
    "manifests folders": "table 'runs'",
    "data emptied": "cannot be read",
    "data cut": "table 'sightings'",
    "data overwritten": "table 'assertions'",
    "data without an end": "table 'images'",
    "data removed": "cannot be read",
    "data a file": "table 'sightings'",
    "a column that somebody else must fill": "'mine'",
    "format emptied": "table 'format'",
    "format overwritten": "table 'format'",
    "a newer format": "a newer Marque has written it",
    "a table of another schema": "lacks the column 'sighting_id'",
    "a column missing": "lacks the column 'revision'",
    "a column of another type": "has 'revision' as string",
    "a label of another type": "already holds 'color' as int64",
    "vectors without a record": "do not say which model made them",
}
"""What the doctor says of each, and whatever meets it."""
