"""The plural follows the number."""

import pytest

from core.text import counted


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 photos"), (1, "1 photo"), (2, "2 photos"), (2000, "2,000 photos")]
)
def test_one_is_singular(count: int, said: str) -> None:
    assert counted(count, "photo") == said
