from collections.abc import Iterator

import boto3
import numpy as np
import pytest
from moto.server import ThreadedMotoServer

from catalog.cars import open_space, replace_vectors
from catalog.index import maintain_indexes
from catalog.photos import image_id
from catalog.published import PublishedCars
from catalog.status import catalog_status
from catalog.table import Catalog, CatalogError, open_catalog
from catalog.versions import publish
from tests.catalog.making import Fill, MakePhoto, record, unit, vectors_for

KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    boto3.client("s3", endpoint_url=address, region_name="us-east-1", **KEYS).create_bucket(
        Bucket="photos"
    )
    yield address
    server.stop()


def reach(endpoint: str, *, create: bool = True) -> Catalog:
    options = KEYS | {
        "aws_region": "us-east-1", "aws_endpoint": endpoint, "allow_http": "true",
    }  # fmt: skip
    return open_catalog("s3://photos/catalogue", create=create, storage_options=options)


def test_a_catalogue_on_an_object_store(
    endpoint: str, make_photo: MakePhoto, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CatalogError, match="no catalogue at s3://photos/catalogue"):
        reach(endpoint, create=False)
    catalog = reach(endpoint)
    photos = [make_photo(seed, color="red") for seed in range(300)]
    ids = fill(catalog, photos)
    assert len(ids) == 300
    assert fill(catalog, photos) == []
    assert set(maintain_indexes(catalog, "semantic", index_from=1)) >= {"semantic", "color"}
    assert publish(catalog).photos == 300

    cars = PublishedCars(reach(endpoint, create=False))
    assert cars.nearest("semantic", unit(int(ids[7][:8], 16)), 1)[0][0] == ids[7]
    assert cars.count("color = 'red'") == 300
    content = photos[0].read()
    stored = catalog.rows("images", [image_id(content)], ["content"]).column("content")
    assert stored.to_pylist() == [content]

    open_space(catalog, "semantic", 8, record("m2"))
    replace_vectors(catalog, vectors_for(ids, "m2", 8))
    assert publish(catalog).moved
    assert PublishedCars(catalog).sample("semantic", 5).shape == (5, 8)
    assert np.isfinite(PublishedCars(catalog).sample("semantic", 5)).all()
    assert catalog_status(catalog)["rows"]["cars"] == 300
