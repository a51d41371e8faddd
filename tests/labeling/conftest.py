"""Rendered scenes with the vectors of marque-tiny, and a catalog of them, each made once."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from catalog.table import Catalog, open_catalog
from tests.labeling.review.making import Shop
from tests.labeling.scening import Seen, add_scenes, see_scenes

if TYPE_CHECKING:
    from embeddings.clip import ClipEncoder

SCENES = 290
IN_CATALOG = 60


@pytest.fixture(scope="session")
def seen(tiny_encoder: "ClipEncoder") -> Seen:
    """Scenes as they are drawn: nine of ten are cars from outside."""
    return see_scenes(tiny_encoder, range(7_000, 7_000 + SCENES))


@pytest.fixture(scope="session")
def scene_folder(
    tmp_path_factory: pytest.TempPathFactory, seen: Seen, tiny_encoder: "ClipEncoder"
) -> Path:
    """A catalog of scenes whose labels a source knows; to be copied."""
    place = tmp_path_factory.mktemp("scenes") / "catalog"
    add_scenes(open_catalog(place), seen.take(IN_CATALOG), tiny_encoder.record)
    return place


@pytest.fixture
def scene_catalog(scene_folder: Path, tmp_path: Path) -> Catalog:
    """A catalog of scenes of its own for a test."""
    shutil.copytree(scene_folder, tmp_path / "scenes")
    return open_catalog(tmp_path / "scenes")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A shop's photos in a catalog of their own, to be put in and told about."""
    return Shop(open_catalog(tmp_path / "catalog"))
