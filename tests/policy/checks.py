"""The house rules that no linter knows, as functions from a text to what is wrong with it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).parents[2]
ROOMS = tuple(
    "catalog core crawlers embeddings flows labeling marque search synthetic".split()  # noqa: SIM905
)
FILE_LINES = 400
FUNCTION_LINES = 50

Function = ast.FunctionDef | ast.AsyncFunctionDef


def python_files(*folders: str) -> list[Path]:
    """The Python files below these folders of the project."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def too_long(text: str) -> Iterator[str]:
    """Files and functions that nobody can keep in mind."""
    lines = len(text.splitlines())
    if lines > FILE_LINES:
        yield f"the file has {lines} lines, over {FILE_LINES}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function) and node.end_lineno:
            length = node.end_lineno - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{node.name} has {length} lines, over {FUNCTION_LINES}"


def undocumented(text: str) -> Iterator[str]:
    """Public modules, classes, functions and methods without a docstring."""
    module = ast.parse(text)
    if not ast.get_docstring(module):
        yield "the module"
    owners: list[tuple[str, ast.Module | ast.ClassDef]] = [("", module)]
    for prefix, owner in owners:
        for node in owner.body:
            if not isinstance(node, (*Function.__args__, ast.ClassDef)) or node.name[0] == "_":
                continue
            if not ast.get_docstring(node):
                yield prefix + node.name
            if isinstance(node, ast.ClassDef):
                owners.append((f"{prefix}{node.name}.", node))


def without_help(command: click.Command, path: str) -> Iterator[str]:
    """Commands and options of a command line that `--help` says nothing about."""
    context = click.Context(command)
    if not (command.help or "").strip():
        yield path
    for option in command.params:
        if isinstance(option, click.Option) and not (option.help or "").strip():
            yield f"{path} {option.opts[0]}"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None, name
            yield from without_help(found, f"{path} {name}")


# Put together from parts, so that these lines do not find themselves.
_MACHINE = re.compile(
    "|".join(
        (
            r"(?<![\w.~-])/(?:home|root|Users|work)" + r"/[\w.]",
            r"index" + r"[-_]url",
            r"find" + r"-links\s*[ =:]\s*\S*/",
            r"file:" + r"///",
            r"https?://[\w.:-]*(?:py" + r"pi|pythonhosted|simple/)",
        )
    )
)


def machine_words(text: str) -> Iterator[str]:
    """Paths of one person's machine, and addresses of package registries."""
    for number, line in enumerate(text.splitlines(), start=1):
        if found := _MACHINE.search(line):
            yield f"line {number}: {found[0]}"


def hosts(text: str) -> Iterator[str]:
    """What a lock may not hold: where packages come from is for each machine to say."""
    for number, line in enumerate(text.splitlines(), start=1):
        if re.search(r"://|^\s*-{1,2}[a-z](?!ash=sha256:)|\s@\s", line.replace("--hash=", "")):
            yield f"line {number}: {line.strip()}"
