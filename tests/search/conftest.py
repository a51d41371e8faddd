from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from catalog.car_columns import open_space
from catalog.photos import load_photos
from catalog.published import PublishedCars
from catalog.register import register
from catalog.table import Catalog, open_catalog
from core.records import RENDERED
from crawlers.imports.folder import FolderSource
from embeddings.clip import ClipEncoder
from embeddings.engine import Job, embed_photos
from embeddings.registry import SpaceRecord
from labeling.label import label_sightings
from labeling.pending import unembedded_images, unlabeled_sightings
from labeling.publish.cars import Vectors, append_cars
from labeling.publish.publish import publish
from synthetic.scenes import render, write_scenes
from synthetic.scenes.write import jpeg_bytes

SCENES = 60


@pytest.fixture(scope="session")
def encoder(tiny_encoder: ClipEncoder) -> ClipEncoder:
    return tiny_encoder


def _fill(place: Path, folder: Path, count: int, name: str, encoder: ClipEncoder) -> Catalog:
    """The stages of an ingest, as the flow runs them, over freshly rendered scenes."""
    write_scenes(folder, count, seed=43_000)
    catalog = open_catalog(place)
    source = FolderSource(folder, sidecar=folder / "labels.csv", name=name)
    register(catalog, source.records(), run_id="run-1")
    label_sightings(catalog, unlabeled_sightings(catalog), run_id="run-1")
    record = encoder.record
    open_space(catalog, "semantic", record.size, record.to_json())
    new, _ = unembedded_images(catalog, "semantic", record.version)
    jobs = (Job(*photo) for photo in load_photos(catalog, new))
    done = list(embed_photos(encoder, jobs))
    ids = [key for batch in done for key in batch.image_ids]
    values = np.concatenate([batch.outputs for batch in done])
    append_cars(catalog, Vectors("semantic", record.version, ids, values))
    publish(catalog)
    return catalog


@pytest.fixture(scope="session")
def fill() -> Callable[[Path, Path, int, str, ClipEncoder], Catalog]:
    return _fill


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory, encoder: ClipEncoder) -> Catalog:
    home = tmp_path_factory.mktemp("home")
    return _fill(home / "catalog", home / "photos", SCENES, RENDERED, encoder)


@pytest.fixture(scope="session")
def other_catalog(tmp_path_factory: pytest.TempPathFactory, encoder: ClipEncoder) -> Catalog:
    """Three photos of a source that is not the renderer's."""
    home = tmp_path_factory.mktemp("other")
    return _fill(home / "catalog", home / "photos", 3, "folder", encoder)


@pytest.fixture(scope="session")
def cars(catalog: Catalog) -> PublishedCars:
    return PublishedCars(catalog)


@pytest.fixture
def new_picture(tmp_path: Path) -> Path:
    """A scene that is in no catalog."""
    path = tmp_path / "a new\ncar 🚗.jpg"
    path.write_bytes(jpeg_bytes(render(91_234)))
    return path


@pytest.fixture(scope="session")
def stored(catalog: Catalog) -> tuple[list[str], npt.NDArray[np.float32]]:
    """Every id and vector of the catalog, read without the code under test."""
    table = catalog.table("cars").to_arrow()
    vectors = np.stack([np.asarray(each, np.float32) for each in table["semantic"].to_pylist()])
    return table["image_id"].to_pylist(), vectors


@pytest.fixture(scope="session")
def loader(encoder: ClipEncoder) -> Callable[[SpaceRecord], ClipEncoder]:
    return lambda record: encoder
