"""The house rules hold."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from benchmarks.house import find_circles, import_graph, load_house
from tests.policy.checks import (
    ROOMS,
    ROOT,
    hosts,
    machine_words,
    python_files,
    too_long,
    undocumented,
    without_help,
)


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this is no git checkout, so nothing says which files belong to the project")
    paths = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    return [path for path in paths if path.is_file()]


def test_rooms_import_in_one_direction() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"[5-9] kept, 0 broken", done.stdout), done.stdout


def test_no_modules_import_each_other() -> None:
    """Imports inside functions count: they only hide a circle."""
    circles = find_circles(import_graph(load_house()))
    assert not circles, "\n".join(" <-> ".join(circle) for circle in circles)


def test_every_room_is_under_the_rules() -> None:
    """A package that pyproject.toml does not name would be checked by nothing."""
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages - {"tests", "benchmarks"} == set(ROOMS)


def test_public_names_are_described() -> None:
    missing = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in python_files(*ROOMS)
        for name in undocumented(path.read_text(encoding="utf-8"))
    ]
    assert not missing, "\n".join(missing)


def test_files_and_functions_are_short() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {what}"
        for path in python_files(*ROOMS, "tests", "benchmarks", "docs")
        for what in too_long(path.read_text(encoding="utf-8"))
    ]
    assert not long, "\n".join(long)


def test_the_commands_print_in_one_place() -> None:
    """There what nobody sees is written out, as values of a catalog may hold."""
    prints = re.compile(r"click\.(?:s?echo|confirm|prompt)\(|rich\.text|(?<![.\w])print\(")
    ways = [
        f"{path.relative_to(ROOT)}: {found}"
        for path in python_files("marque")
        if path.name != "terminal.py"
        for found in prints.findall(path.read_text(encoding="utf-8"))
    ]
    assert not ways, "\n".join(ways)


def test_every_command_and_option_has_help() -> None:
    from marque.__main__ import commands

    assert list(without_help(commands, "marque")) == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_locks_name_no_host(name: str) -> None:
    assert list(hosts((ROOT / name).read_text(encoding="utf-8"))) == []


def test_the_dev_lock_holds_the_runtime_lock() -> None:
    runtime, dev = (
        set(re.findall(r"^[a-z].*?==\S+", (ROOT / name).read_text(encoding="utf-8"), re.M))
        for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert runtime
    assert runtime <= dev, runtime - dev


def test_no_file_names_a_machine_or_a_registry() -> None:
    named = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture or weights
        # The Makefile tells uv to leave the registry out of the locks.
        text = re.sub(r"--no-emit-[a-z-]+", "", text)
        named += [f"{path.relative_to(ROOT)}: {word}" for word in machine_words(text)]
    assert not named, "\n".join(named)


def test_deployments_start_flows_that_exist() -> None:
    from prefect import Flow

    for deployment in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]:
        module, _, name = deployment["entrypoint"].rpartition(".")
        flow = getattr(import_module(module), name)
        assert isinstance(flow, Flow)
        known = flow.parameters.properties
        assert set(deployment.get("parameters", {})) <= set(known), deployment["name"]


def test_the_readme_names_commands_that_exist() -> None:
    from marque.__main__ import commands

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    used = set(re.findall(r"^\s*(?:\$ )?marque ([a-z][a-z-]*)", readme, re.M))
    assert used
    assert used <= set(commands.commands)
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"^\s*(?:\$ )?make ([a-z]+)", readme, re.M)) <= targets


def test_links_of_the_docs_lead_somewhere() -> None:
    dead = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                dead.append(f"{page.relative_to(ROOT)}: {target}")
    assert not dead, "\n".join(dead)


def test_the_readme_names_settings_that_exist() -> None:
    """docs/settings.md, which `make docs` writes, has every one with its default."""
    from flows.settings import Settings

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Settings")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([a-z]+(?:_[a-z0-9]+)*)`", section))
    assert {"home", "catalog", "semantic_model"} <= named <= set(Settings.model_fields)
    assert {name.lower() for name in re.findall(r"\bMARQUE_([A-Z_]+)", readme)} <= set(
        Settings.model_fields
    )


def test_before_a_commit_the_checks_of_make_lint_run() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.partition("\nlint:")[2].partition("\n\n")[0].splitlines()[1:]
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    entries = [hook["entry"] for repo in hooks for hook in repo["hooks"]]
    assert entries == [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe]


def test_every_target_of_the_makefile_has_a_line_of_help() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.M))
    assert {"help", "demo", "test", "lint", "types", "docs", "bench", "clean", "lock"} <= targets
    assert targets == set(re.findall(r"^([a-z]+):.*## \S", makefile, re.M))
