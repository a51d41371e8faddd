"""A folder that goes away, as a network drive does, before or while it is read."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from catalog.table import open_catalog
from core.records import Drop, Notice, Photo, SourceError
from crawlers.imports import walk
from crawlers.imports.folder import FolderSource
from flows.run import RunFailedError
from synthetic.scenes import write_scenes

AWAY = "went away while it was read"


@pytest.fixture(autouse=True)
def small_shards(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARQUE_SHARD_SIZE", "4")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "drive" / "photos"
    write_scenes(photos, 12, 5)
    (photos / "labels.csv").unlink()
    return photos


def at_photo(number: int, happens: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let something happen where an ingest comes to this photo of its folder."""
    given = FolderSource.records
    walks = iter(range(9))

    def records(self: FolderSource) -> Iterator[Photo | Drop | Notice]:
        counting = next(walks) == 0  # an ingest counts first
        for at, record in enumerate(given(self)):
            if at == number and not counting:
                happens()
            yield record

    monkeypatch.setattr(FolderSource, "records", records)


def test_a_drive_that_goes_ends_the_run_and_rejects_no_file_of_it(
    folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.ingest import ingest

    away = folder.with_name("away")
    with monkeypatch.context() as patched:
        at_photo(8, lambda: folder.rename(away), patched)
        with pytest.raises(RunFailedError, match=AWAY):
            ingest(path=str(folder))
    catalog = open_catalog(home / "catalog", create=False)
    assert catalog.count("images") == 8
    assert catalog.count("rejects") <= 4  # those of the shard that met it
    away.rename(folder)
    report = ingest(path=str(folder))
    assert (report.new, report.known, report.status) == (4, 8, "done")


def test_an_empty_folder_in_place_of_a_drive_is_noticed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a folder is left on which a drive was mounted: /dev is on a drive of its own anywhere."""
    link = tmp_path / "mounted"
    link.symlink_to(folder)

    def unmount() -> None:
        shutil.rmtree(folder)
        link.unlink()
        link.symlink_to("/dev")

    source = FolderSource(link)
    records = source.records()
    seen = [next(records) for _ in range(3)]
    unmount()
    with pytest.raises(SourceError, match=AWAY):
        seen += records
    assert not [each for each in seen if isinstance(each, Drop)]


def test_a_drive_is_asked_for_as_what_is_in_it_is(folder: Path) -> None:
    """An automount has another number before: no plain look at its folder mounts it (stat(2)).

    A test cannot mount one; a file in place of the folder tells the same looks apart.
    """
    source = FolderSource(folder)
    source.check_still_there()
    shutil.rmtree(folder)
    folder.write_bytes(b"")
    with pytest.raises(SourceError, match=AWAY):
        source.check_still_there()


def test_a_file_or_folder_that_was_deleted_meanwhile_is_no_fault(folder: Path) -> None:
    (folder / "z" / "inner").mkdir(parents=True)
    records = []
    for record in FolderSource(folder).records():
        if not records:
            shutil.rmtree(folder / "z")
            (folder / "scene_000011.jpg").unlink()
        records.append(record)
    told = [each for each in records if not isinstance(each, Photo)]
    assert [each.text for each in told if isinstance(each, Notice)].count(walk.WENT_AWAY) == 2
    assert not [each for each in told if isinstance(each, Drop)]


def test_a_dead_link_is_still_one(folder: Path) -> None:
    (folder / "dead.jpg").symlink_to("nowhere.jpg")
    reasons = [each.reason for each in FolderSource(folder).records() if isinstance(each, Drop)]
    assert reasons == [walk.DEAD_LINK]


def test_an_inbox_on_a_drive_that_is_away_is_said_and_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.ingest import ingest

    inbox = tmp_path / "mnt" / "inbox"
    monkeypatch.setenv("MARQUE_INBOX", str(inbox))
    with pytest.raises(RunFailedError, match=r"the inbox .* is missing"):
        ingest()
    assert not inbox.parent.exists()
    inbox.mkdir(parents=True)
    assert "is empty" in ingest().messages[0]
