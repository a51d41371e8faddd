import pytest

from tests.faults.running import Folder, make_folder


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    """Small shards, so that a stage has several; what a test starts inherits them."""
    monkeypatch.setenv("MARQUE_SEMANTIC_MODEL", "marque-tiny")
    monkeypatch.setenv("MARQUE_SHARD_SIZE", "20")
    monkeypatch.setenv("MARQUE_WORKERS", "1")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """Ninety scenes and a few bad files; tests that change it make their own."""
    return make_folder(tmp_path_factory.mktemp("faults") / "photos", 90)
