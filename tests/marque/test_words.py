"""Words of strangers at every exit of the commands: no byte of them acts, in a catalog that was
filled before words were cleaned too."""

import csv
import io
import json
import logging
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner, Result

from catalog.car_columns import open_space
from catalog.register import register
from catalog.table import Catalog, open_catalog
from core.assertions import Assertion
from core.licenses import License
from core.logs import escape_logs
from core.records import Drop, Notice, Photo, Sighting
from core.spreadsheet import unguarded
from crawlers.imports.folder import FolderSource
from embeddings.registry import SpaceRecord
from flows.reporting.report import RunReport
from labeling.label import label_sightings, store_assertions
from labeling.pending import unembedded_images, unlabeled_sightings
from labeling.publish.cars import append_cars
from labeling.publish.publish import publish
from marque.__main__ import commands
from marque.checks.check import Check
from marque.doctor import _print_checks
from marque.tables import print_report
from marque.terminal import show_traceback
from search.lettering import drawable
from tests.catalog.making import SIZE, png, vectors_for
from tests.core.test_text import HOSTILE, is_harmless

BY = License("by", "4.0")
WORD = "".join(HOSTILE[name] for name in HOSTILE if name not in {"half", "nul"})
MARKUP = '![x](https://evil.example/b.png) <img src=x onerror="y"> [a](javascript:alert(1))'
FORMULA = "＝HYPERLINK(1)"  # noqa: RUF001
NAMES = ["a\x1b]52;c;eA==\x07.png", "b\u202egnp.png", "c\x9b2J.png", "[red]d\nError: gone.png"]


def rights(word: str) -> dict[str, str]:
    return {"license": BY.name, "license_url": BY.url, "creator": word, "attribution": word}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of a folder, with a sidecar, and of a site; of some what is stored is as it was."""
    folder = tmp_path_factory.mktemp("home")
    photos = folder / "photos"
    photos.mkdir()
    for seed, name in enumerate(NAMES):
        (photos / name).write_bytes(png(seed))
    table = folder / "facts.json"
    facts = {"make": WORD, "color": WORD, "people": WORD, "page_url": "javascript:alert(1)"}
    rows = [{"path": name, **facts, **rights(WORD + MARKUP)} for name in NAMES]
    table.write_text(json.dumps(rows))
    catalog = open_catalog(folder / "catalog")
    register(catalog, FolderSource(photos, sidecar=table).records(), run_id="r")
    words = {"title": FORMULA, "creator_url": "javascript:alert(1)", "changes": MARKUP}
    place = Sighting("commons", "x", words, "https://e.example/\x1b", **rights(FORMULA))
    register(catalog, [Photo(place, png(8)), Drop("s", WORD, "reason", WORD)], run_id="r")
    label_sightings(catalog, unlabeled_sightings(catalog), run_id="r")
    make_dirty(catalog)
    space = SpaceRecord("semantic", "m", None, "0" * 64, {}, SIZE, "cosine", "m")
    open_space(catalog, "semantic", SIZE, space.to_json())
    new, _ = unembedded_images(catalog, "semantic", "m")
    append_cars(catalog, vectors_for(new, "m"))
    rows = [{"image_id": key, "make": WORD, "make_origin": "source"} for key in new]
    catalog.update("cars", pa.Table.from_pylist(rows))
    publish(catalog)
    return folder


def make_dirty(catalog: Catalog) -> None:
    """What was stored before words were cleaned."""
    schema = catalog.specs["sightings"].schema
    keys = catalog.column("sightings", "sighting_id").to_pylist()
    rows = catalog.rows("sightings", keys, schema.names).to_pylist()
    words = json.dumps({"make": WORD, "title": WORD}, ensure_ascii=False)
    dirty = {"words": words, "page_url": f"https://e.example/{WORD}", **rights(WORD)}
    some = [row | dirty for row in rows if row["source"] == "folder"][:2]
    catalog.upsert("sightings", pa.Table.from_pylist(some, schema))
    said = [
        Assertion(row["image_id"], "make", (WORD,), one_of=False, confidence=None, origin="human",
                  by=by, version="", about="", created_at=datetime.now(UTC))
        for row in rows for by in (WORD, "ann")
    ]  # fmt: skip
    store_assertions(catalog, said, run_id="r")
    store_assertions(
        catalog,
        [Assertion(row["image_id"], "make", ("Kia",), one_of=False, confidence=None, by="bo",
                   origin="human", version="", about="", created_at=datetime.now(UTC))
         for row in rows], run_id="r",
    )  # fmt: skip


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before, made = dict(os.environ), logging.getLogRecordFactory()
    yield
    os.environ.clear()
    os.environ.update(before)
    logging.setLogRecordFactory(made)


def run(home: Path, *words: str) -> Result:
    return CliRunner(env={"COLUMNS": "900"}).invoke(commands, [*words, "--home", str(home)])


def assert_harmless(output: bytes | str) -> None:
    text = output.decode() if isinstance(output, bytes) else output
    for line in text.split("\n"):
        assert is_harmless(line), line.encode("unicode_escape")
    assert "\nError: gone" not in text


@pytest.fixture(scope="module")
def key(home: Path) -> str:
    rows = open_catalog(home / "catalog").read("sightings", ["source_id", "image_id"])
    return next(
        str(row["image_id"])
        for batch in rows
        for row in batch.to_pylist()
        if row["source_id"].endswith(NAMES[0])
    )


@pytest.mark.parametrize("form", [(), ("--json",)])
@pytest.mark.parametrize(
    "command",
    [
        ("show", "KEY"),
        ("search", "-k", "9"),
        ("search", "--where", "source=folder"),
        ("label", "--explain", "KEY"),
        ("status",),
        ("review", "stats"),
        ("attributions",),
        ("attributions", "--format", "html"),
        ("attributions", "--format", "csv"),
        ("show", WORD.replace("\x00", "")),
        ("search", "--where", f"make={WORD}x"),
        ("search", "--where", WORD),
        ("search", "--image", WORD),
        ("attributions", "--source", WORD),
        ("attributions", "--out", f"/{WORD}/\x1b.html"),
        ("segment", WORD),
        ("review", "export", "--out", f"/dev/null/{WORD}"),
        ("review", "import", f"/absent/{WORD}"),
        (WORD,),
        (f"--{WORD}",),
    ],
)
def test_no_command_prints_what_acts(
    home: Path, key: str, command: tuple[str, ...], form: tuple[str, ...]
) -> None:
    done = run(home, *(key if word == "KEY" else word for word in command), *form)
    assert not isinstance(done.exception, UnicodeError)
    assert done.exit_code in {0, 1, 2}
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.stdout or done.stderr
    assert "unexpected" not in done.stderr
    assert_harmless(done.stdout_bytes)
    assert_harmless(done.stderr_bytes)
    if form and done.stdout:
        json.loads(done.stdout)


def test_what_is_stored_can_still_be_told_apart(home: Path, key: str) -> None:
    """Escaped and not taken out: the file is named, and a document of JSON has it whole."""
    assert r"a\x1b]52;c;eA==\x07.png" in run(home, "show", key).stdout
    document = json.loads(run(home, "show", key, "--json").stdout)
    assert document["sightings"][0]["source_id"].endswith(NAMES[0])


def test_credits_name_no_file_and_no_script(home: Path) -> None:
    for form in ("markdown", "html", "csv", "json"):
        given = ("--json",) if form == "json" else ("--format", form)
        said = run(home, "attributions", *given).stdout
        assert "Ford" in said
        assert "file://" not in said
        assert str(home) not in said
        if form == "html":
            assert "<img" not in said
            assert 'href="javascript' not in said
        if form == "csv":
            rows = list(csv.DictReader(io.StringIO(said)))
            assert "'" + FORMULA in {row["title"] for row in rows}
            assert {unguarded(row["creator_url"]) for row in rows} == {""}


def test_a_review_that_goes_out(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run(home, "review", "export", "--out", str(out))
    assert done.exit_code == 0, done.output
    tasks = json.loads((out / "tasks.json").read_text())
    assert tasks
    for task in tasks:
        assert task["data"]["page_url"] == "" or task["data"]["page_url"].startswith("https://")
        assert_harmless(task["data"]["question"])
    for name in ("review.csv", "config.xml"):
        text = (out / name).read_bytes().decode("utf-8-sig")
        assert name == "config.xml" or "Ford" in text
        assert_harmless(text.replace("\r\n", "\n"))


def dirty_report() -> RunReport:
    return RunReport(
        run_id="r",
        flow="ingest",
        status="failed",
        started_at=datetime(2026, 11, 28, tzinfo=UTC),
        parameters={"path": WORD, "where": [WORD, MARKUP]},
        seen=3,
        rejected={WORD: 1},
        notices={f"{MARKUP}{WORD}": 2},
        examples={WORD: WORD, f"{MARKUP}{WORD}": MARKUP},
        unknown_words={f"make: {WORD}{MARKUP}": 3},
        messages=[WORD + MARKUP],
        sheet=f"/{WORD}.png",
        error=f"{WORD}: {MARKUP}",
    )


def test_the_report_of_a_run(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    print_report(dirty_report())
    out = capsysbinary.readouterr().out
    assert b"Ford" in out
    assert_harmless(out)


def test_the_page_of_a_run_has_no_link_and_no_picture() -> None:
    page = dirty_report().to_markdown()
    assert_harmless(page)
    assert "![" not in page
    assert "https://" not in page
    assert "<img" not in page.replace("\\<img", "")


def test_the_checks_of_the_doctor(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    _print_checks([Check(WORD, "problem", WORD, f"[red]{WORD}")])
    out = capsysbinary.readouterr().out
    assert b"[red]" in out
    assert_harmless(out)


def test_logs_and_tracebacks(capsys: pytest.CaptureFixture[str]) -> None:
    escape_logs()
    handler = logging.StreamHandler(sys.stderr)
    logger = logging.getLogger("tests.words")
    logger.addHandler(handler)
    try:
        raise ValueError(WORD)
    except ValueError as error:
        logger.exception("said %s", WORD)
        show_traceback(ValueError, error, error.__traceback__)
    finally:
        logger.removeHandler(handler)
    said = capsys.readouterr().err
    assert said.count("Traceback") == 2
    assert "\\x1b]8;;" in said
    logged, _, tracebacks = said.partition("Traceback")
    assert_harmless(logged)
    assert all(map(is_harmless, tracebacks.split("\n")))


def test_letters_of_a_contact_sheet() -> None:
    """Directions would turn the line around, and ends of lines would write over the next."""
    said = drawable(WORD)
    assert is_harmless(said)
    assert "Ford" in said
    assert not set("\u202e\u2066\u200b\x1b\x9b\n") & set(said)


def test_notices_and_drops_name_what_was_wrong(home: Path) -> None:
    source = FolderSource(home / "photos", sidecar=home / "facts.json")
    (home / "photos" / ".\x1bhidden").touch()
    said = [each for each in source.records() if isinstance(each, Drop | Notice)]
    assert r".\x1bhidden" in "".join(each.example for each in said if isinstance(each, Notice))
