"""`make docs`: the parts of pages that follow from the code.

Such a part is between two comments, `<!-- make docs: NAME -->` and `<!-- end -->`; NAME is one
of `PARTS`. What is outside is written by hand. A test compares every page with the code.
"""

import ast
import inspect
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import click
from pydantic import BeforeValidator
from pydantic.fields import FieldInfo

from benchmarks.__main__ import NAMES
from benchmarks.house import ROOMS, import_graph, load_house
from catalog.filters import PLAIN, Op
from core.vocabulary import Attribute, load_vocabulary
from crawlers.imports.sidecar.columns import ATTRIBUTES, SIGHTING_FIELDS
from crawlers.imports.sidecar.table import PATH_COLUMNS
from flows.settings import Settings
from marque.__main__ import commands

ROOT = Path(__file__).parents[1]
STALE = "it is not what the code says; run `make docs`"
_PART = re.compile(r"(<!-- make docs: ([a-z ]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
_OF_ALL = ("--home", "--debug", "--help")
_KINDS = {"Path": "path", "str": "text", "int": "whole number", "float": "number"}


def command_reference() -> str:
    """Every command with its arguments and options, as click knows them."""
    return "\n".join(_command_lines(commands, click.Context(commands, info_name="marque"), 2))


def _command_lines(command: click.Command, context: click.Context, level: int) -> Iterator[str]:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield from (f"{'#' * level} {context.command_path}", "", f"    {usage}", "")
    yield from (_escaped(inspect.cleandoc(command.help or "")), "")
    options = [
        f"- `{record[0]}`: {_escaped(record[1])}"
        for option in command.params
        if not set(option.opts) & set(_OF_ALL)
        if (record := option.get_help_record(context)) is not None and record[1]
    ]
    yield from [*options, ""] if options else []
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            inner = click.Context(below, info_name=name, parent=context)
            yield from _command_lines(below, inner, min(level + 1, 3))


def _escaped(text: str) -> str:
    return re.sub(r"([*<\\])", r"\\\1", text)


def setting_table() -> str:
    """Every setting with what it takes, its default, and what it is for."""
    rows = [
        f"| `{name}` | {_takes(field)} | {_default(field)} | {_cell(field.description or '')} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| setting | takes | default | what |", "|---|---|---|---|", *rows])


def _takes(field: FieldInfo) -> str:
    kind: Any = field.annotation
    options = [each for each in get_args(kind) if each is not type(None)]
    if options and all(isinstance(each, str) for each in options):
        return ", ".join(f"`{each}`" for each in options)
    kind = options[0] if options else kind
    if kind is bool:
        return "`true` or `false`"
    name = _KINDS.get(getattr(kind, "__name__", ""), "table")
    return name + "".join(filter(None, map(_bound, field.metadata)))


def _bound(mark: object) -> str:
    words = {"ge": "at least", "gt": "over", "le": "at most", "lt": "under"}
    found = [(word, getattr(mark, name)) for name, word in words.items() if hasattr(mark, name)]
    return "".join(f", {word} {value:,.3g}" if value < 1 else f", {word} {value:,}"
                   for word, value in found)  # fmt: skip


def _default(field: FieldInfo) -> str:
    if field.default is None:
        says_auto = any(isinstance(each, BeforeValidator) for each in field.metadata)
        return "`auto`" if says_auto else ""
    value = field.default
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def filter_table() -> str:
    """What can be filtered, and with which values and comparisons."""
    rows = [
        f"| `{each.name}` | {_values(each)} | {_comparisons(each)} |"
        for each in load_vocabulary().attributes.values()
    ]
    rows += [f"| `{name}` | text, compared letter by letter | {_ops('=', '!=', 'in')} |"
             for name in PLAIN]  # fmt: skip
    return "\n".join(["| name | values | comparisons |", "|---|---|---|", *rows])


def _values(attribute: Attribute) -> str:
    if attribute.bounds is not None:
        return "whole number from {} to {}".format(*attribute.bounds)
    if attribute.kind == "open":
        return "any"
    values = ", ".join(f"`{value}`" for value in attribute.values)
    return f"{values}; several at once, or `none`" if attribute.many else values


def _comparisons(attribute: Attribute) -> str:
    if attribute.kind != "number":
        return _ops("=", "!=", "in")
    return f"{_ops(*(op for op in get_args(Op) if op != 'range'))}, `=LOW..HIGH`"


def _ops(*ops: str) -> str:
    return ", ".join(f"`{op}`" for op in ops)


def sidecar_columns() -> str:
    """Which columns of a sidecar are used without a map, and what `--map` can name."""
    attributes = load_vocabulary().attributes
    meanings = {
        "path": f"the file; also {_ops(*PATH_COLUMNS[1:])}",
        **dict.fromkeys(SIGHTING_FIELDS, "kept as it is"),
        **{name: _values(attributes[name]) for name in ATTRIBUTES},
    }
    rows = [f"| `{name}` | {what} |" for name, what in meanings.items()]
    return "\n".join(["| column | what is read |", "|---|---|", *rows])


def room_list() -> str:
    """Each room with the first sentence of its docstring, from the lowest layer to the highest."""
    rows = [f"| `{room}/` | {_first(room)} |" for room in _rooms()]
    return "\n".join(["| room | holds |", "|---|---|", *rows])


def room_imports() -> str:
    """Each room with the first sentence of its docstring and the rooms that it imports."""
    house = load_house()
    room_of = {module.name: module.room for module in house}
    imported: dict[str, set[str]] = {room: set() for room in ROOMS}
    for name, others in import_graph(house).items():
        imported[room_of[name]] |= {room_of[other] for other in others} - {room_of[name]}
    rows = [
        f"| `{room}/` | {_first(room)} | "
        f"{', '.join(other for other in _rooms() if other in imported[room])} |"
        for room in _rooms()
    ]
    return "\n".join(["| room | holds | imports |", "|---|---|---|", *rows])


def _rooms() -> list[str]:
    """The rooms, from the lowest layer to the highest."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["type"] == "layers")
    return [room for layer in reversed(layers) for room in layer.split(" | ")]


def _first(room: str) -> str:
    """The first sentence of a package's docstring, without its full stop."""
    tree = ast.parse((ROOT / room / "__init__.py").read_text(encoding="utf-8"))
    text = " ".join((ast.get_docstring(tree) or "").split())
    return _cell(re.split(r"\.(?:\s|$)", text, maxsplit=1)[0])


def benchmark_list() -> str:
    """All benchmarks, with links to the pages of those that were measured."""
    pages = {name: f"docs/benchmarks/{name}.md" for name in NAMES}
    return (
        ",\n".join(
            f"[{name}]({page})" if (ROOT / page).exists() else name for name, page in pages.items()
        )
        + "."
    )


PARTS: dict[str, Callable[[], str]] = {
    "commands": command_reference,
    "settings": setting_table,
    "filters": filter_table,
    "sidecar columns": sidecar_columns,
    "rooms": room_list,
    "rooms and imports": room_imports,
    "benchmarks": benchmark_list,
}


def pages() -> list[Path]:
    """Every page that may have such parts."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def parts_of(text: str) -> list[str]:
    """The names of the parts of a page."""
    return [name for _, name, _, _ in _PART.findall(text)]


def renewed(text: str) -> str:
    """A page with its parts as the code has them now; raises `KeyError` for one that is unknown."""
    return _PART.sub(lambda part: f"{part[1]}\n{PARTS[part[2]]().strip()}\n\n{part[4]}", text)


def main() -> None:
    """Write the pages that have changed."""
    for path in pages():
        before = path.read_text(encoding="utf-8")
        if (after := renewed(before)) != before:
            path.write_text(after, encoding="utf-8")
            sys.stdout.write(f"written: {path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
