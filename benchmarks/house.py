"""How the code itself is built: sizes, names and imports, beside two packages of the field.

Everything is read from the text of the files by `ast` and `tokenize`; nothing is imported.
"""

import ast
import io
import statistics
import tokenize
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.machine import made_by

ROOT = Path(__file__).parents[1]
ROOMS = tuple(
    "core crawlers synthetic catalog embeddings labeling search flows marque".split()  # noqa: SIM905
)
PEERS = {
    "scrapy": "what `crawlers` builds on: the crawler of the field, kept for eighteen years, with "
    "strict types and a broad selection of lint rules",
    "open_clip": "what `embeddings` builds on: the reference of its kind, a model a record, and no "
    "circle among its modules",
}
"""Installed packages that the same figures are taken of, and why these."""

MOST_LINES, MOST_FUNCTIONS = 29_000, 55
Function = ast.FunctionDef | ast.AsyncFunctionDef
Graph = Mapping[str, Collection[str]]

_LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


@dataclass(frozen=True, slots=True)
class Module:
    """One file of Python: its dotted name, the room that it belongs to, its text and its tree."""

    name: str
    room: str
    is_package: bool
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        """Lines of the file."""
        return len(self.text.splitlines())

    @property
    def functions(self) -> list[int]:
        """The length of each function and method in lines, without its decorators."""
        return [
            (node.end_lineno or node.lineno) - node.lineno + 1
            for node in ast.walk(self.tree)
            if isinstance(node, Function)
        ]


@dataclass(frozen=True, slots=True)
class Sizes:
    """The figures of a room or of a whole package."""

    name: str
    files: list[int]
    functions: list[int]
    code: int

    @property
    def lines(self) -> int:
        """Lines of all files."""
        return sum(self.files)

    @property
    def functions_per_1000(self) -> float:
        """Functions in 1,000 lines."""
        return 1000 * len(self.functions) / max(1, self.lines)


@dataclass(frozen=True, slots=True)
class Structure:
    """How the modules of a package hang together.

    `shared` are public names -> the rooms that define them, where these are two or more; apart
    from them `shared_constants`. `circles` are groups of modules that import each other.
    """

    shared: dict[str, list[str]]
    shared_constants: dict[str, list[str]]
    circles: list[list[str]]
    one_importer: int


def load_modules(folder: Path, package: str) -> list[Module]:
    """The modules of a package that lies in `folder`, without its tests.

    The room of a module of the house is its package; of another package, it is the folder directly
    below the package.
    """
    found = []
    for path in sorted((folder / package).rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        if "tests" in parts:
            continue
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        room = package if package in ROOMS else ".".join(parts[: 2 if len(parts) > 2 else 1])
        text = path.read_text(encoding="utf-8")
        found.append(Module(name, room, is_package, text, ast.parse(text)))
    return found


def load_house() -> list[Module]:
    """The modules of the product."""
    return [module for room in ROOMS for module in load_modules(ROOT, room)]


def sizes_of(name: str, modules: Sequence[Module]) -> Sizes:
    """The figures of these modules together."""
    return Sizes(
        name,
        [module.lines for module in modules],
        [length for module in modules for length in module.functions],
        sum(code_lines(module.text) for module in modules),
    )


def code_lines(text: str) -> int:
    """Lines of Python without blank lines, comments and docstrings."""
    prose = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    held = {
        line
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in _LAYOUT
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(held - prose)


def structure_of(modules: Sequence[Module]) -> Structure:
    """Names, circles and importers of these modules."""
    places: dict[bool, dict[str, set[str]]] = {True: defaultdict(set), False: defaultdict(set)}
    for module in modules:
        for name, is_constant in public_names(module.tree):
            places[is_constant][name].add(module.room)
    graph = import_graph(modules)
    importers = [sum(name in imported for imported in graph.values()) for name in graph]
    return Structure(
        _in_two(places[False]), _in_two(places[True]), find_circles(graph), importers.count(1)
    )


def _in_two(places: Mapping[str, set[str]]) -> dict[str, list[str]]:
    return {name: sorted(rooms) for name, rooms in sorted(places.items()) if len(rooms) > 1}


def public_names(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    """The public names that a module defines, and whether each is a constant.

    Not counted are `main`, and what is named by what a person types: commands and the flows behind
    them, which are called alike on purpose.
    """
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            typed = {"command", "group", "recipe"}
            if node.name != "main" and not typed & set(map(_last_name, node.decorator_list)):
                names, is_constant = [node.name], False
            else:
                continue
        elif isinstance(node, ast.Assign):
            names = [each.id for each in node.targets if isinstance(each, ast.Name)]
            is_constant = True
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names, is_constant = [node.target.id], True
        else:
            continue
        yield from ((name, is_constant) for name in names if not name.startswith("_"))


def _last_name(node: ast.expr) -> str:
    """`command` of `@click.command()`."""
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def import_graph(modules: Sequence[Module]) -> dict[str, set[str]]:
    """Module -> those of `modules` that it imports, inside functions too.

    Code below `if TYPE_CHECKING` never runs and is left out.
    """
    known = {module.name for module in modules}
    return {
        module.name: {name for name in _imported(module, known) if name != module.name}
        for module in modules
    }


def _imported(module: Module, known: Collection[str]) -> Iterator[str]:
    nodes: list[ast.AST] = [module.tree]
    for node in nodes:  # grows
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            nodes += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name in known)
        elif isinstance(node, ast.ImportFrom):
            source = _source_of(node, module)
            for each in node.names:
                inside = f"{source}.{each.name}"
                yield from [inside] if inside in known else [source] if source in known else []
        nodes += ast.iter_child_nodes(node)


def _source_of(node: ast.ImportFrom, module: Module) -> str:
    """The module that `from ... import` names, a relative one written out."""
    if not node.level:
        return node.module or ""
    up = node.level - module.is_package
    parts = module.name.split(".")
    base = parts[: len(parts) - up] if up else parts
    return ".".join([*base, *([node.module] if node.module else [])])


def find_circles(graph: Graph) -> list[list[str]]:
    """The groups of modules each of which imports, by way of others, all others of its group."""
    reached = {name: _reachable(graph, name) for name in graph}
    circles = {
        tuple(sorted(other for other in reached[name] if name in reached[other]))
        for name in graph
        if name in reached[name]
    }
    return [list(circle) for circle in sorted(circles)]


def _reachable(graph: Graph, start: str) -> set[str]:
    found: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += graph[name]
    return found


def page() -> str:
    """The whole page."""
    house = load_house()
    rooms = [sizes_of(room, [each for each in house if each.room == room]) for room in ROOMS]
    peers = {}
    for name in PEERS:
        spec = find_spec(name)
        assert spec is not None, name
        assert spec.origin is not None, name
        peers[name] = load_modules(Path(spec.origin).parents[1], name)
    sizes = [*rooms, sizes_of("Marque", house)]
    sizes += [sizes_of(name, modules) for name, modules in peers.items()]
    packages = {"Marque": house} | peers
    return page_of(sizes, {name: structure_of(modules) for name, modules in packages.items()})


def page_of(sizes: Sequence[Sizes], structures: Mapping[str, Structure]) -> str:
    """The page of a measurement; `Marque` is among both."""
    house = next(each for each in sizes if each.name == "Marque")
    own = structures["Marque"]
    wanted = [
        ("lines of files", house.lines, f"at most {MOST_LINES:,}"),
        ("lines of code", house.code, ""),
        ("functions in 1,000 lines", round(house.functions_per_1000), f"at most {MOST_FUNCTIONS}"),
        ("public classes and functions named alike in two rooms", len(own.shared), "0"),
        ("circles of imports", len(own.circles), "0"),
    ]
    return "\n".join([
        "# The house",
        "",
        made_by("house", "scrapy", "open_clip_torch"),
        "",
        "Lines of code are those of files without blank lines, comments and docstrings. Files and "
        "functions: median / 90th percentile / longest, in lines. Tests and benchmarks are not "
        "counted. Other packages:",
        "",
        *(f"- {name}: {why}." for name, why in PEERS.items()),
        "",
        "| | files | lines | of code | file | functions | function | in 1,000 lines |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *map(_row, sizes),
        "",
        "| | found | wanted |",
        "| --- | --- | --- |",
        *(f"| {what} | {found:,} | {target} |" for what, found, target in wanted),
        "",
        "A name is counted where two rooms define it for others at the top of a module; the rooms "
        "of another package are its folders. Commands and the flows behind them are called alike "
        "on purpose and are left out. Imports inside functions count; those for types alone never "
        "run and do not.",
        "",
        "| | classes and functions in two rooms | constants in two rooms | circles, modules in "
        "them | modules with one importer |",
        "| --- | --- | --- | --- | --- |",
        *(f"| {name} | {_cells(found)} |" for name, found in structures.items()),
        "",
        *_list("Classes and functions named alike in two rooms or more", own.shared),
        *_list("Circles", {circle[0]: circle[1:] for circle in own.circles}),
    ])  # fmt: skip


def _row(sizes: Sizes) -> str:
    cells = (
        sizes.name,
        f"{len(sizes.files):,}",
        f"{sizes.lines:,}",
        f"{sizes.code:,}",
        spread(sizes.files),
        f"{len(sizes.functions):,}",
        spread(sizes.functions),
        f"{sizes.functions_per_1000:.0f}",
    )
    return f"| {' | '.join(cells)} |"


def spread(values: Sequence[int]) -> str:
    """Median, 90th percentile and largest of values as one cell."""
    if not values:
        return ""
    ordered = sorted(values)
    most = ordered[-(-9 * len(ordered) // 10) - 1]
    return f"{statistics.median(ordered):.0f} / {most} / {ordered[-1]}"


def _cells(found: Structure) -> str:
    held = sum(map(len, found.circles))
    counts = (len(found.shared), len(found.shared_constants), f"{len(found.circles)}, {held}")
    return " | ".join(map(str, (*counts, found.one_importer)))


def _list(title: str, found: Mapping[str, Sequence[str]]) -> list[str]:
    if not found:
        return []
    return [f"{title}:", "", *(f"- `{each}`: {', '.join(of)}" for each, of in found.items()), ""]
