"""The benchmark of the house, on a few lines of Python."""

import ast
from pathlib import Path

from benchmarks.house import (
    ROOMS,
    Sizes,
    Structure,
    code_lines,
    find_circles,
    import_graph,
    load_modules,
    page_of,
    public_names,
    sizes_of,
    spread,
    structure_of,
)
from tests.policy import checks

TEXT = '''"""A module."""

# a comment
LIMIT = 3
"""What it is."""


def counted(x: int) -> str:
    """A docstring."""
    return f"""{x}
    lines"""
'''


def package(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / "peer" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_prose_is_no_code() -> None:
    assert code_lines(TEXT) == 4


def test_circles_are_found_inside_functions_and_not_among_types(tmp_path: Path) -> None:
    package(
        tmp_path,
        {
            "__init__.py": "",
            "a.py": "from peer import b\n",
            "b.py": "def f():\n    from .sub.c import g\n    return g\n",
            "sub/__init__.py": "",
            "sub/c.py": "from ..a import f\nimport os\n",
            "types.py": "if TYPE_CHECKING:\n    import peer.user\n",
            "user.py": "from peer.types import x\n",
        },
    )
    modules = load_modules(tmp_path, "peer")
    graph = import_graph(modules)
    assert graph["peer.b"] == {"peer.sub.c"}
    assert graph["peer.types"] == set()
    assert find_circles(graph) == [["peer.a", "peer.b", "peer.sub.c"]]


def test_names_that_two_rooms_define_are_found(tmp_path: Path) -> None:
    package(
        tmp_path,
        {
            "one/a.py": "class Row: ...\ndef main(): ...\nSIZE = 1\n_HIDDEN = 2\n",
            "two/b.py": "def Row(): ...\ndef main(): ...\nSIZE: int = 1\n_HIDDEN = 2\n",
            "two/c.py": "def alone(): ...\ndef alone(): ...\n",
            "tests/d.py": "def alone(): ...\n",
        },
    )
    found = structure_of(load_modules(tmp_path, "peer"))
    assert found.shared == {"Row": ["peer.one", "peer.two"]}
    assert found.shared_constants == {"SIZE": ["peer.one", "peer.two"]}


def test_commands_and_flows_may_be_called_alike() -> None:
    text = "@click.command()\ndef embed(): ...\n@recipe('x')\ndef ingest(): ...\ndef fit(): ...\n"
    assert list(public_names(ast.parse(text))) == [("fit", False)]


def test_sizes_are_those_of_files_and_functions(tmp_path: Path) -> None:
    package(tmp_path, {"a.py": TEXT, "b.py": "x = 1\n"})
    sizes = sizes_of("peer", load_modules(tmp_path, "peer"))
    assert (sizes.files, sizes.functions, sizes.code) == ([11, 1], [4], 5)
    assert spread(range(1, 101)) == "50 / 90 / 100"


def test_every_room_is_measured() -> None:
    assert set(ROOMS) == set(checks.ROOMS)


def test_the_page_follows_from_the_numbers() -> None:
    sizes = Sizes("Marque", [100, 50], [10, 20, 30], 120)
    page = page_of([sizes], {"Marque": Structure({"Row": ["core", "search"]}, {}, [], 7)})
    assert "| Marque | 2 | 150 | 120 | 75 / 100 / 100 | 3 | 20 / 30 / 30 | 20 |" in page
    assert "| functions in 1,000 lines | 20 | at most 55 |" in page
    assert "| Marque | 1 | 0 | 0, 0 | 7 |" in page
    assert "- `Row`: core, search" in page
