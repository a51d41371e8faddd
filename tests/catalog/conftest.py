from pathlib import Path

import pytest

from catalog.car_columns import open_space
from catalog.register import register
from catalog.table import Catalog, open_catalog
from core.records import Photo, Sighting
from labeling.label import label_sightings
from labeling.pending import unembedded_images, unlabeled_sightings
from labeling.publish.cars import append_cars
from tests.catalog.making import SIZE, Fill, MakePhoto, png, record, vectors_for


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return open_catalog(tmp_path / "catalog")


@pytest.fixture
def make_photo() -> MakePhoto:
    """A photo of one color: `seed` decides its bytes, `place` its sighting, the rest its words."""

    def make(seed: int, place: str | None = None, **words: str) -> Photo:
        return Photo(Sighting("shop", place or f"place {seed}", words), png(seed))

    return make


@pytest.fixture
def fill(make_photo: MakePhoto) -> Fill:
    """Take photos through register, label and embed, not publish; the ids that entered `cars`."""

    def run(
        catalog: Catalog, photos: list[Photo], *, version: str = "m1", size: int = SIZE
    ) -> list[str]:
        register(catalog, photos, run_id="r")
        label_sightings(catalog, unlabeled_sightings(catalog), run_id="r")
        open_space(catalog, "semantic", size, record(version))
        new, _ = unembedded_images(catalog, "semantic", version)
        append_cars(catalog, vectors_for(new, version, size))
        return new

    return run
