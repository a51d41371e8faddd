from pathlib import Path

import pytest

from catalog.table import open_catalog
from tests.labeling.review.making import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(open_catalog(tmp_path / "catalog"))
