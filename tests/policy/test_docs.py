"""What the pages say of the code is what the code says."""

import ast
import re
from pathlib import Path

import pytest

from catalog.filters import parse_filter
from core.vocabulary import load_vocabulary
from docs.generate import PARTS, ROOT, STALE, pages, parts_of, renewed
from flows.settings import Settings
from marque.__main__ import commands
from tests.policy.checks import ROOMS


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_is_as_the_code_has_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert renewed(text) == text, f"{page}: {STALE}"


def test_every_part_is_on_a_page() -> None:
    found = [name for page in pages() for name in parts_of(page.read_text(encoding="utf-8"))]
    assert sorted(found) == sorted(PARTS)


def test_a_stale_part_is_written_anew() -> None:
    page = "Before.\n<!-- make docs: settings -->\nold\n<!-- end -->\nAfter.\n"
    new = renewed(page)
    assert new != page
    assert new.startswith("Before.\n<!-- make docs: settings -->\n")
    assert new.endswith("<!-- end -->\nAfter.\n")
    assert renewed(new) == new


def test_the_references_name_every_command_setting_and_attribute() -> None:
    text = {name: part() for name, part in PARTS.items()}
    assert all(f"### marque {name}\n" in text["commands"] for name in commands.commands)
    assert all(f"| `{name}` |" in text["settings"] for name in Settings.model_fields)
    assert all(f"| `{name}` |" in text["filters"] for name in load_vocabulary().attributes)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_imports_and_where_to_start(room: str) -> None:
    tree = ast.parse((ROOT / room / "__init__.py").read_text(encoding="utf-8"))
    text = " ".join((ast.get_docstring(tree) or "").split())
    assert re.search(r"\bimports? ", text, re.IGNORECASE), "what it imports"
    start = re.search(r"\bstart (?:reading )?(?:with|at) (.*)", text, re.IGNORECASE)
    assert start, "where to start reading"
    for name in re.findall(r"`([\w./]+)`", start[1]):
        inside = (ROOT / room / name).exists()
        assert inside or name in ROOMS or is_there(name), name


PATH = re.compile(rf"(?:{'|'.join([*ROOMS, 'tests', 'benchmarks', 'docs'])})/[\w./-]*")
DOTTED = re.compile(rf"(?:{'|'.join(ROOMS)})(?:\.\w+)+")


def is_there(name: str) -> bool:
    """Whether a path of the project, or a dotted name of something in it, exists."""
    if PATH.fullmatch(name):
        return "NAME" in name or (ROOT / name).exists()
    *parts, last = name.split(".")
    if ROOT.joinpath(*parts, last).is_dir() or ROOT.joinpath(*parts, f"{last}.py").is_file():
        return True
    inside = ROOT.joinpath(*parts)
    modules = [
        each for each in (inside.with_suffix(".py"), inside / "__init__.py") if each.exists()
    ]
    return any(re.search(rf"\b{last}\b", each.read_text(encoding="utf-8")) for each in modules)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_of_the_code_is_there(page: Path) -> None:
    named = re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8"))
    code = [each for each in named if PATH.fullmatch(each) or DOTTED.fullmatch(each)]
    own = {"marque.toml"}  # a file of the person who sets things
    assert not [each for each in code if each not in own and not is_there(each)]


def test_the_examples_of_filters_are_filters() -> None:
    page = (ROOT / "docs" / "filters.md").read_text(encoding="utf-8")
    (examples,) = re.findall(r"```filters\n(.*?)```", page, re.DOTALL)
    for line in examples.splitlines():
        assert parse_filter(line, load_vocabulary()).attribute
