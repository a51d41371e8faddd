"""A disk that is full or read-only: one clear line, what is there stays readable, and the same
command completes once it can."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import Result

from catalog.car_columns import open_space
from catalog.index import maintain_indexes
from catalog.table import Catalog, StoreError
from labeling.publish.publish import publish
from tests.faults.disks import Disk
from tests.faults.running import (
    Folder,
    catalog_of,
    check_registered,
    check_whole,
    counts,
    finish,
    here,
    make_folder,
    report,
    start,
    told,
)

SEARCH = ("search", "--where", "view=exterior", "--json")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "disk", 64)
    yield made
    made.close()


def check_said(done: Result | subprocess.CompletedProcess[str], home: Path, *said: str) -> None:
    """A command failed with one line that names the disk and what to do."""
    if isinstance(done, Result):
        assert done.exit_code == 1, done.output
        assert "Traceback" not in done.output
    else:
        assert done.returncode == 1, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    for part in (str(home), *said):
        assert part in last, last


def test_it_fills_while_photos_come_in_and_while_vectors_do(disk: Disk, folder: Folder) -> None:
    home = disk.path / "home"
    ingest = ("ingest", "scenes", str(folder.path))
    report(here(home, *ingest, "--limit", "20", "--json"))
    hits = report(here(home, *SEARCH))["hits"]
    full = ("No space left on device", "make room on that disk", "run the same command again")

    disk.fill(leave=1_500_000)
    check_said(here(home, *ingest, "--no-embed"), home, *full)
    assert 20 < counts(home)["images"] < 90, "it filled while photos came in"
    assert report(here(home, *SEARCH))["hits"] == hits
    assert report(here(home, "status", "--json"))["published"]["photos"] == 20
    disk.make_room()
    report(here(home, *ingest, "--no-embed", "--json"))
    check_registered(catalog_of(home), folder)
    hits = report(here(home, *SEARCH))["hits"]

    disk.fill(leave=500_000)
    check_said(here(home, "embed"), home, *full)
    assert counts(home)["cars"] < 90, "it filled while vectors came in"
    assert report(here(home, *SEARCH))["hits"] == hits
    disk.make_room()
    report(here(home, "embed", "--json"))
    check_whole(home, folder)


def writers(catalog: Catalog) -> dict[str, Callable[[], object]]:
    """Everything that changes a table, a tag or an index."""
    run = {"run_id": "x", "flow": "f", "status": "done", "report": "{}"}
    rows = pa.Table.from_pylist([run], catalog.specs["runs"].schema)
    place = catalog.column("sightings", "sighting_id")[0].as_py()
    return {
        "insert": lambda: catalog.insert("runs", rows),
        "upsert": lambda: catalog.upsert("runs", rows),
        "remove": lambda: catalog.remove("sightings", [place]),
        "a new model": lambda: open_space(catalog, "semantic", 8, b'{"version": "other"}'),
        "an index": lambda: maintain_indexes(catalog, "semantic", index_from=0),
        "the tag": lambda: publish(catalog),
    }


def test_every_write_tells_a_lasting_fault(disk: Disk) -> None:
    """A commit that was lost is tried again, with pauses of seconds; this is not."""
    home = disk.path / "home"
    photos = make_folder(disk.path / "photos", 260)
    report(here(home, "ingest", "scenes", str(photos.path), "--json"))
    catalog = catalog_of(home)
    catalog.table("cars").tags.delete("published")
    every = writers(catalog)
    for fault in ("Read-only file system", "No space left on device"):
        disk.allow_writes(fault.startswith("No"))
        if fault.startswith("No"):
            disk.fill()
        for name, write in every.items():
            with pytest.raises(StoreError) as caught:
                write()
            assert caught.value.lasts, name
            assert fault in str(caught.value), name


def test_it_may_not_be_written(disk: Disk, folder: Folder) -> None:
    home = disk.path / "home"
    ingest = ("ingest", "scenes", str(folder.path))
    report(here(home, *ingest, "--limit", "20", "--json"))
    hits = report(here(home, *SEARCH))["hits"]
    disk.allow_writes(False)
    for words in ((*ingest, "--no-embed"), ("embed",), ("publish",)):
        check_said(here(home, *words), home, "Read-only file system", "make the place writable")
    new = disk.path / "elsewhere"
    check_said(here(new, *ingest), new, "Read-only file system")

    assert report(here(home, *SEARCH))["hits"] == hits
    assert report(here(home, "status", "--json"))["rows"]["cars"] == 20
    disk.allow_writes(True)
    report(here(home, *ingest, "--json"))
    check_whole(home, folder)


def test_it_belongs_to_another_user(tmp_path: Path, folder: Folder) -> None:
    home = tmp_path / "home"
    report(here(home, "ingest", "scenes", str(folder.path), "--limit", "20", "--json"))
    with as_a_stranger(home) as prefix:
        done = finish(start(home, "publish", prefix=prefix))
        assert done.returncode == 1, done.stdout + done.stderr
        assert "Permission denied" in done.stderr
        assert "Traceback" not in done.stderr
        assert told(start(home, "status", "--json", prefix=prefix))["published"]
        assert told(start(home, *SEARCH, prefix=prefix))["hits"]
    report(here(home, "ingest", "scenes", str(folder.path), "--json"))
    check_whole(home, folder)


@contextmanager
def as_a_stranger(home: Path) -> Iterator[tuple[str, ...]]:
    """What to put before a command so that it may read a folder and not write it."""
    folders = [home, *(path for path in home.rglob("*") if path.is_dir())]
    prefix: tuple[str, ...] = ()
    if os.geteuid() == 0:
        # Root ignores modes, but for that power, which a process can give up.
        prefix = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
        if not shutil.which("setpriv") or subprocess.run([*prefix, "true"], check=False).returncode:
            pytest.skip("root cannot give up its power over modes here: it takes setpriv")
    for folder in folders:
        folder.chmod(0o555)
    try:
        yield prefix
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_the_prefect_server_has_no_room(tmp_path: Path) -> None:
    """It writes to the same disk, and its own errors do not say what is wrong."""
    disk = Disk(tmp_path / "disk", 2)
    try:
        home = disk.path / "home"
        done = finish(start(home, "up", "--port", "1"))
        check_said(done, home, f"the disk that holds {home / 'prefect'} is full")
    finally:
        disk.close()
