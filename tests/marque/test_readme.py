"""The commands of the README, run as they stand there, with a small folder and the small model."""

import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from catalog.table import open_catalog
from marque.__main__ import commands
from synthetic.scenes import write_scenes
from tests.policy.checks import ROOT


def test_the_first_commands_do_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```\n(\. \.venv/bin/activate\n.*?)```", readme, re.DOTALL)
    lines = [line for line in block.splitlines() if line.startswith("marque ")]
    assert len(lines) == len(block.splitlines()) - 1
    photos = tmp_path / "photos"
    write_scenes(photos, 8, 1)
    shutil.copy(photos / "scene_000003.jpg", tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MARQUE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MARQUE_SEMANTIC_MODEL", "marque-tiny")
    for line in lines:
        if "3f9a1c2b" in line:
            catalog = open_catalog(tmp_path / "home" / "catalog", create=False)
            line = line.replace("3f9a1c2b", str(catalog.column("cars", "image_id")[0])[:8])  # noqa: PLW2901
        words = [os.path.expanduser(word) for word in shlex.split(line)[1:]]  # noqa: PTH111
        done = CliRunner().invoke(commands, words)
        assert done.exit_code == 0, f"{line}\n{done.output}"
        assert done.stdout, line
    assert (tmp_path / "answer.png").stat().st_size > 10_000
