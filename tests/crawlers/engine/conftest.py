from collections.abc import Iterator

import pytest

from synthetic.replica.server import Replica
from tests.crawlers.engine.front import Front, start_front


@pytest.fixture
def front(replica: Replica) -> Iterator[Front]:
    """A server before the module's replica, which says other things where a test wants it."""
    with start_front(replica) as running:
        yield running
