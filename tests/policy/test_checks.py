"""The checks find what they are for."""

import click
import pytest

from tests.policy.checks import hosts, machine_words, too_long, undocumented, without_help


def test_a_long_file_and_a_long_function_are_found() -> None:
    assert list(too_long("x = 1\n" * 401)) == ["the file has 401 lines, over 400"]
    function = "class A:\n  def f():\n" + "    x = 1\n" * 50
    assert list(too_long(function)) == ["f has 51 lines, over 50"]
    assert list(too_long("def f():\n" + "    x = 1\n" * 49)) == []


def test_a_missing_docstring_is_found() -> None:
    text = "def f(): ...\nclass A:\n  '''A.'''\n  def g(self): ...\n  def _h(self): ...\n"
    assert list(undocumented(text)) == ["the module", "f", "A.g"]
    assert list(undocumented("'''M.'''\nasync def f():\n  '''F.'''\n")) == []


def test_a_command_and_an_option_without_help_are_found() -> None:
    bare = click.Command("bare", params=[click.Option(["--count"])])
    group = click.Group("all", commands={"bare": bare}, help="All.")
    assert list(without_help(group, "all")) == ["all bare", "all bare --count"]


@pytest.mark.parametrize(
    "line",
    [
        "PATH = '/" + "home/ann/photos'",
        "see /" + "root/x",
        "--index" + "-url https://example.org",
        "https://py" + "pi.example.org/x",
        "file:" + "///opt/x",
    ],
)
def test_a_path_or_a_registry_is_found(line: str) -> None:
    assert next(iter(machine_words(f"fine\n{line}"))).startswith("line 2: ")


def test_addresses_of_the_web_are_no_paths() -> None:
    line = "https://example.org/home/page, ~/.marque, $HOME/x, a/ro" + "ot/b"
    assert list(machine_words(line)) == []


@pytest.mark.parametrize(
    "line",
    [
        "--index" + "-url https://example.org/sim" + "ple",
        "--find" + "-links /wheels",
        "-i somewhere",
        "torch @ https://example.org/torch.whl",
        "# from http://example.org",
    ],
)
def test_a_host_in_a_lock_is_found(line: str) -> None:
    assert len(list(hosts(f"httpx==0.28.1 \\\n    --hash=sha256:ab12\n{line}"))) == 1


def test_packages_named_like_addresses_are_no_hosts() -> None:
    lock = "aiohttp==3.14.5 ; python_version >= '3.11' \\\n    --hash=sha256:ab12 \\\n"
    assert list(hosts(lock)) == []
