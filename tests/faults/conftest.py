import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.outcomes import KILLS, Outcomes
from tests.faults.running import Folder, make_folder

OUTCOMES = Outcomes()


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small shards, so that a stage has several; what a test starts inherits them."""
    monkeypatch.setenv("MARQUE_SEMANTIC_MODEL", "marque-tiny")
    monkeypatch.setenv("MARQUE_SHARD_SIZE", "20")
    monkeypatch.setenv("MARQUE_WORKERS", "1")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """Ninety scenes and a few bad files; tests that change it make their own."""
    return make_folder(tmp_path_factory.mktemp("faults") / "photos", 90)


@pytest.fixture
def kills(record_property: Callable[[str, object], None]) -> Iterator[Counter[str]]:
    """Stage -> how often a run was killed in it: what a test of `make chaos` counts."""
    counted: Counter[str] = Counter()
    yield counted
    record_property(KILLS, dict(counted))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    OUTCOMES.add(report)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """`make chaos` names the page that says what came of it; a worker knows of its own tests."""
    page = os.environ.get("CHAOS_PAGE")
    if page and not hasattr(session.config, "workerinput"):
        Path(page).write_text(OUTCOMES.page(), encoding="utf-8")
