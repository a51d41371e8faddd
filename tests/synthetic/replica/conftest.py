"""A replica that is up, and a client that asks it."""

from collections.abc import Iterator

import pytest

from synthetic.replica.server import Replica, start_replica
from synthetic.replica.world import World
from tests.synthetic.replica.asking import Client


@pytest.fixture(scope="module")
def running() -> Iterator[Replica]:
    """Cars in Italy and Germany, some of them of every make."""
    with start_replica(World(seed=3, listings=300, photos=4, sites=("it", "de"))) as replica:
        yield replica


@pytest.fixture
def client(running: Replica) -> Iterator[Client]:
    """The running replica with nothing wrong, whatever the test before it switched on."""
    running.faults.clear()
    yield Client(running)
    running.faults.clear()
