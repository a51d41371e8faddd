"""Every case: a folder with what a parser reads, and with the record that is expected of it."""

from pathlib import Path

import pytest

from tests.cases.accept import accept
from tests.cases.expected import difference
from tests.cases.readers import CASES, EXPECTED, READERS, read_case

FOLDERS = sorted(path for kind in READERS for path in (CASES / kind).iterdir() if path.is_dir())


@pytest.mark.parametrize("case", FOLDERS, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_case(case: Path) -> None:
    changed = difference(case, read_case(case))
    if changed:
        accepting = f"python -m tests.cases.accept {case.relative_to(CASES.parents[1])}"
        pytest.fail(f"{changed}\n\nIf that is right: {accepting}", pytrace=False)


def test_every_folder_here_is_a_kind_of_case() -> None:
    folders = {path.name for path in CASES.iterdir() if path.is_dir()} - {"__pycache__"}
    assert folders == set(READERS)
    assert {path.parent.parent.name for path in CASES.rglob(EXPECTED)} == set(READERS)


def test_a_new_case_is_accepted_and_a_changed_one_is_shown(tmp_path: Path) -> None:
    case = tmp_path / "sidecar" / "new"
    case.mkdir(parents=True)
    (case / "photos.txt").write_text("a.jpg\n")
    (case / "facts.csv").write_text("path,make\na.jpg,Saab\n")
    assert '+      "words": {"make": "Saab"}' in accept(case)
    assert accept(case) == ""
    (case / "facts.csv").write_text("path,make\na.jpg,Fiat\n")
    shown = difference(case, read_case(case)).splitlines()
    assert [line[0] + line[1:].strip() for line in shown if line[0] in "+-"][2:] == [
        '-"words": {"make": "Saab"}',
        '+"words": {"make": "Fiat"}',
    ]
