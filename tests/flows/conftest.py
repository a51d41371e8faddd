from collections.abc import Iterator

import pytest

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
        server.process.communicate(timeout=120)
