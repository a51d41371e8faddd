"""Running the command line where something goes wrong, and looking at what that left behind."""

import csv
import hashlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from catalog.published import PublishedCars
from catalog.table import Catalog, open_catalog
from labeling.publish.status import catalog_status
from marque.__main__ import commands
from synthetic.scenes import write_scenes

STRIKE = Path(__file__).with_name("strike.py")
BAD = {
    "bad/cut.jpg": "truncated or damaged",
    "bad/empty.jpg": "empty file",
    "bad/page.jpg": "not an image",
}


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of scenes, three bad files, and one photo that is there under two names."""

    path: Path

    @property
    def sha256(self) -> dict[str, str]:
        """File -> sha256 of its bytes, of the good photos."""
        return {
            str(file): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in self.path.glob("*.jpg")
        }

    @property
    def words(self) -> list[dict[str, str]]:
        """The rows of the sidecar."""
        with (self.path / "labels.csv").open(encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def repaint(self) -> None:
        """Let the sidecar name another color of every car that has one."""
        rows = self.words
        for row in rows:
            row["color"] = row["color"] and ("red" if row["color"] == "blue" else "blue")
        with (self.path / "labels.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)


def make_folder(path: Path, scenes: int, seed: int = 5_000) -> Folder:
    write_scenes(path, scenes, seed)
    photo = (path / "scene_000001.jpg").read_bytes()
    (path / "twin.jpg").write_bytes(photo)
    (path / "bad").mkdir()
    (path / "bad" / "cut.jpg").write_bytes(photo[: len(photo) // 2])
    (path / "bad" / "empty.jpg").write_bytes(b"")
    (path / "bad" / "page.jpg").write_bytes(b"<!doctype html><p>404</p>")
    return Folder(path)


def here(home: Path, *words: str) -> Result:
    """A command in this process, which has imported what is slow to import."""
    before = dict(os.environ)
    try:
        return CliRunner().invoke(commands, [*words, "--home", str(home)])
    finally:
        os.environ.clear()
        os.environ.update(before)


def report(done: Result) -> dict[str, Any]:
    """What a command said with --json, if it ended well."""
    assert done.exit_code == 0, done.output
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def start(
    home: Path,
    *words: str,
    program: Sequence[str] = ("-m", "marque"),
    prefix: Sequence[str] = (),
) -> subprocess.Popen[str]:
    """A command in a process of its own."""
    return subprocess.Popen(
        [*prefix, sys.executable, *program, *words],
        env=child_environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def child_environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return kept | {"MARQUE_HOME": str(home)}


def finish(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """Wait for a command to end."""
    out, err = process.communicate(timeout=1800)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def told(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a command of another process said with --json, if it ended well."""
    done = finish(process)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@dataclass(frozen=True, slots=True)
class Struck:
    """Where a command was killed: the write it was at, and the writes before that."""

    call: str | None
    table: str | None
    stage: str
    when: str
    writes: list[dict[str, str]]


def kill(home: Path, journal: Path, strike: Mapping[str, Any], *words: str) -> Struck | None:
    """Run a command that is killed at `strike` (see strike.py); None if it ended before that."""
    program = (str(STRIKE), str(journal), json.dumps(strike))
    done = finish(start(home, *words, program=program))
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    if done.returncode == 0:
        assert not any("struck" in line for line in lines)
        return None
    assert done.returncode == -9, done.stdout + done.stderr
    *before, last = lines
    return Struck(last.get("call"), last.get("table"), last["stage"], last["struck"], before)


@contextmanager
def held(home: Path, strike: Mapping[str, Any], *words: str) -> Iterator[subprocess.Popen[str]]:
    """A command that has come to a write and waits there until the end of the block."""
    journal, release = home.with_name("held"), home.with_name("release")
    program = (str(STRIKE), str(journal), json.dumps(strike | {"hold": str(release)}))
    process = start(home, *words, program=program)
    try:
        while not (journal.exists() and '"held"' in journal.read_text()):
            assert process.poll() is None, finish(process)
            time.sleep(0.05)
        yield process
        release.touch()
        process.wait(timeout=1800)
    finally:
        process.kill()


def catalog_of(home: Path) -> Catalog:
    return open_catalog(home / "catalog", create=False)


def counts(home: Path) -> dict[str, int]:
    catalog = catalog_of(home)
    return {name: catalog.count(name) for name in catalog.specs}


def check_registered(catalog: Catalog, folder: Folder) -> None:
    """Every photo is stored once with its own bytes, and every place that shows it, once."""
    files = folder.sha256
    stored = catalog.table("images").search().select(["image_id", "content"]).to_list()
    assert Counter(row["image_id"] for row in stored) == Counter(set(files.values()))
    for row in stored:
        assert hashlib.sha256(row["content"]).hexdigest() == row["image_id"]
    seen = catalog.table("sightings").search().select(["source_id", "image_id"]).to_list()
    assert Counter((row["source_id"], row["image_id"]) for row in seen) == Counter(files.items())
    rejects = catalog.table("rejects").search().select(["source_id", "reason"]).to_list()
    expected = {str(folder.path / name): reason for name, reason in BAD.items()}
    assert Counter((r["source_id"], r["reason"]) for r in rejects) == Counter(expected.items())


def check_labeled(catalog: Catalog, folder: Folder) -> None:
    """Nothing is said twice, and each word of the sidecar is said once in its last reading."""
    names = ["assertion_id", "image_id", "attribute", "values", "revision", "version", "about"]
    every = catalog.table("assertions").search().select([*names, "origin", "by"]).to_list()
    assert len({row["assertion_id"] for row in every}) == len(every)
    networks = [row for row in every if row["origin"] == "model"]
    asked = {(r["image_id"], r["attribute"], r["by"], r["version"]) for r in networks}
    assert len(asked) == len(networks)
    said = [row for row in every if row["origin"] == "source"]
    assert len({(r["about"], r["attribute"], r["revision"], r["version"]) for r in said}) == len(
        said
    )
    last = {
        row["sighting_id"]: row["revision"]
        for row in catalog.table("sightings").search().select(["sighting_id", "revision"]).to_list()
    }
    standing = Counter(row["attribute"] for row in said if row["revision"] == last[row["about"]])
    words = Counter(name for row in folder.words for name, word in row.items() if word)
    words.pop("path")
    assert standing == words


def check_searchable(catalog: Catalog, folder: Folder) -> None:
    """Every photo is in `cars` once, with its vector and its labels, and searches see it."""
    files = folder.sha256
    columns = ["image_id", "semantic", "semantic_version", "thumbnail", "color", "people"]
    columns += ["color_origin", "people_origin"]
    cars = catalog.table("cars").search().select(columns).to_list()
    assert Counter(row["image_id"] for row in cars) == Counter(set(files.values()))
    assert all(len(row["semantic"]) > 0 and row["thumbnail"] for row in cars)
    assert len({row["semantic_version"] for row in cars}) == 1
    shown = {row["image_id"]: row for row in cars}
    for row in folder.words:
        car = shown[files[str(folder.path / row["path"])]]
        people = set(row["people"].split(";")) - {"none"}
        assert (set(car["people"]), car["people_origin"]) == (people, "source")
        if row["color"]:
            assert (car["color"], car["color_origin"]) == (row["color"], "source")
        else:
            assert car["color_origin"] in {"model", None}
    assert PublishedCars(catalog).count() == len(set(files.values()))


def check_whole(home: Path, folder: Folder) -> None:
    """After everything: nothing lost, nothing twice, nothing waits, all of it is published."""
    catalog = catalog_of(home)
    check_registered(catalog, folder)
    check_labeled(catalog, folder)
    check_searchable(catalog, folder)
    status = catalog_status(catalog, wanted="marque-tiny")
    assert status["pending"] == {"label": 0, "networks": 0, "embed": 0, "publish": 0}
    viewed = catalog.column("assertions", "image_id", "origin = 'model' AND attribute = 'view'")
    assert set(viewed.to_pylist()) == set(folder.sha256.values()), "networks say a view of each"


def check_adds_up(told: Mapping[str, Any]) -> None:
    """A run's report counts every record once."""
    parts = told["new"] + told["again"] + told["known"] + sum(told["rejected"].values())
    assert told["seen"] == parts, told
