from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from catalog.table import Catalog, open_catalog
from tests.flows.server.upping import ODD, Up, free_port


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One server for the tests that only ask it."""
    home = tmp_path_factory.mktemp("up") / ODD
    home.mkdir(mode=0o755)
    (home / "prefect").mkdir(mode=0o755)
    (home / "prefect" / "prefect.db").touch(0o644)  # as an older server left them
    server = Up(home, free_port())
    try:
        yield server.wait()
    finally:
        server.process.terminate()
        server.process.communicate(timeout=1800)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of the flows of a test, with the model that is loaded in a moment."""
    monkeypatch.setenv("MARQUE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MARQUE_SEMANTIC_MODEL", "marque-tiny")
    return tmp_path / "home"


@pytest.fixture
def catalog(home: Path) -> Callable[[], Catalog]:
    """Opens the catalog of the test's home, which a flow makes."""
    return lambda: open_catalog(home / "catalog", create=False)
