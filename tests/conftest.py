"""What all tests share: no setting and no home of the person who runs them."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from catalog.table import Catalog
    from core.records import Photo
    from embeddings.clip import ClipEncoder
    from synthetic.replica.server import Replica
    from tests.catalog.making import Fill, MakePhoto

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"

# A time limit would fail on a busy machine what passes on an idle one.
settings.register_profile("marque", deadline=None)
settings.load_profile("marque")


def pytest_configure(config: pytest.Config) -> None:
    """Before anything of the project, or Prefect, is imported and reads the environment."""
    for name in [name for name in os.environ if name.startswith(("MARQUE_", "PREFECT_"))]:
        del os.environ[name]
    home = tempfile.mkdtemp(prefix="marque-tests-")
    os.environ["MARQUE_HOME"] = home
    os.environ["PREFECT_HOME"] = f"{home}/prefect-client"
    os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
    os.environ["DO_NOT_TRACK"] = "1"
    # Two files are tested at a time; two threads each wait for each other longer than they work.
    os.environ["OMP_NUM_THREADS"] = "1"
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))


@pytest.fixture(autouse=True)
def no_setting_outlives_its_test() -> Iterator[None]:
    """A command that runs in the tests' own process sets some for good."""
    before = {name: os.environ[name] for name in os.environ if name.startswith("MARQUE_")}
    yield
    for name in [name for name in os.environ if name.startswith("MARQUE_")]:
        if name not in before:
            del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="session")
def prefect_harness() -> Iterator[None]:
    """One Prefect server with a database of its own, for the tests that run flows."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=1800):
        yield


@pytest.fixture(scope="session")
def tiny_encoder() -> "ClipEncoder":
    """marque-tiny, loaded once."""
    from embeddings.clip import load_encoder
    from embeddings.registry import TINY, ModelSpec

    return load_encoder(ModelSpec(TINY), "cpu")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real photos that lie beside the checkout on some machines."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real photos are not here: ../shared/data is absent")
    return SHARED_DATA


@pytest.fixture(scope="module")
def served(request: pytest.FixtureRequest) -> "Iterator[Replica]":
    """A replica of the sites, once for a module: its `WORLD` says what it shows."""
    from synthetic.replica.server import start_replica
    from synthetic.replica.world import World

    with start_replica(World(**request.module.WORLD)) as running:
        yield running


@pytest.fixture
def replica(served: "Replica") -> "Iterator[Replica]":
    """The module's replica with nothing wrong, whatever the test before it switched on."""
    served.faults.clear()
    yield served
    served.faults.clear()


@pytest.fixture
def catalog(tmp_path: Path) -> "Catalog":
    """A catalog with nothing in it."""
    from catalog.table import open_catalog

    return open_catalog(tmp_path / "catalog")


@pytest.fixture
def make_photo() -> "MakePhoto":
    """A photo of one color: `seed` decides its bytes, `place` its sighting, the rest its words."""
    from core.records import Photo, Sighting
    from tests.catalog.making import png

    def make(seed: int, place: str | None = None, **words: str) -> Photo:
        return Photo(Sighting("shop", place or f"place {seed}", words), png(seed))

    return make


@pytest.fixture
def fill() -> "Fill":
    """Take photos through register, label and embed, not publish; the ids that entered `cars`."""
    from catalog.car_columns import open_space
    from catalog.register import register
    from labeling.label import label_sightings
    from labeling.pending import unembedded_images, unlabeled_sightings
    from labeling.publish.cars import append_cars
    from tests.catalog.making import SIZE, record, vectors_for

    def run(
        catalog: "Catalog", photos: "list[Photo]", *, version: str = "m1", size: int = SIZE
    ) -> list[str]:
        register(catalog, photos, run_id="r")
        label_sightings(catalog, unlabeled_sightings(catalog), run_id="r")
        open_space(catalog, "semantic", size, record(version))
        new, _ = unembedded_images(catalog, "semantic", version)
        append_cars(catalog, vectors_for(new, version, size))
        return new

    return run
