import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import numpy as np
import pyarrow as pa
import pytest
from moto.server import ThreadedMotoServer

from catalog.car_columns import open_space
from catalog.index import maintain_indexes
from catalog.published import PublishedCars
from catalog.table import Catalog, CatalogError, open_catalog
from core.photos.decode import image_id
from flows.resources import catalog_at
from flows.settings import SettingsError, load_settings
from labeling.publish.cars import replace_vectors
from labeling.publish.publish import publish
from labeling.publish.status import catalog_status
from marque.checks.check import CheckContext
from marque.checks.settings import check_settings
from tests.catalog import filling
from tests.catalog.making import Fill, MakePhoto, record, unit, vectors_for

KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "VERYSECRET"}


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
    return open_catalog("s3://photos/catalog", create=create, storage_options=options)


def test_a_catalog_that_settings_name(
    endpoint: str, make_photo: MakePhoto, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = "Jörg 100%/c"
    monkeypatch.setenv("MARQUE_CATALOG", f"s3://photos/{folder}")
    options = KEYS | {"region": "us-east-1", "endpoint": endpoint}
    told = json.dumps(options | {"allow_http": True})
    monkeypatch.setenv("MARQUE_STORAGE_OPTIONS", told)
    settings = load_settings()
    catalog = catalog_at(settings)
    ids = fill(catalog, [make_photo(seed, color="red") for seed in range(3)])
    # Lance itself commits this, and compacts and indexes below: it must know the store too.
    catalog.rewrite("cars", pa.table({"image_id": ids, "make": ["seat"] * 3}))
    monkeypatch.setattr("catalog.optimize.MAX_SMALL_FRAGMENTS", 0)
    maintain_indexes(catalog, "semantic")
    assert publish(catalog).moved
    assert PublishedCars(catalog_at(settings, create=False)).count("make = 'seat'") == 3
    keys = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **KEYS)
    listed = keys.list_objects_v2(Bucket="photos", Prefix=folder)["Contents"]
    assert {f"{folder}/cars.lance/_refs/tags/published.json"} <= {each["Key"] for each in listed}


def test_a_column_is_filled_over_rows_that_are_there(endpoint: str, tmp_path: Path) -> None:
    options = KEYS | {"aws_region": "us-east-1", "aws_endpoint": endpoint, "allow_http": "true"}
    catalog = open_catalog("s3://photos/Jörg 100%/filled", storage_options=options)
    for start in (0, 50):
        filling.add_rows(catalog, range(start, start + 50))
    open_space(catalog, filling.LITE, filling.SIZE, filling.RECORD)
    catalog.remove("cars", filling.ids([3]))
    done = filling.fill_all(catalog, tmp_path)
    assert (done.photos, done.fragments) == (99, 2)
    filling.check(catalog, set(range(100)) - {3})


def test_keys_among_the_options_are_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"endpoint": "http://127.0.0.1:9", "aws_secret_access_key": "TOPSECRET"}
    monkeypatch.setenv("MARQUE_STORAGE_OPTIONS", json.dumps(told))
    settings = load_settings()
    checks = list(check_settings(CheckContext(settings)))
    assert checks
    shown = [repr(settings), str(settings), repr(checks)]
    assert all("aws_secret_access_key" in each for each in shown)
    assert not any("TOPSECRET" in each for each in shown)
    for wrong in (
        "TOPSECRET",
        '["TOPSECRET"]',
        '{"a": ["TOPSECRET"]}',
        '{"endpoint": "TOPSECRET"}',
    ):
        monkeypatch.setenv("MARQUE_STORAGE_OPTIONS", wrong)
        with pytest.raises(SettingsError, match="storage_options") as said:
            load_settings()
        assert "TOPSECRET" not in str(said.value)


class Answering(BaseHTTPRequestHandler):
    """A store that says no to everything."""

    def do_GET(self) -> None:
        self.send_response(403)
        self.end_headers()
        self.wfile.write(b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def refusing() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def silent() -> Iterator[str]:
    """A store that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def why(uri: str, **options: str) -> str:
    given = KEYS | {"region": "us-east-1", "allow_http": "true"} | options
    with pytest.raises(CatalogError) as said:
        open_catalog(uri, storage_options=given)
    text = str(said.value)
    assert "RetryError" not in text
    assert ".rs:" not in text  # where in its source LanceDB noticed
    assert KEYS["aws_secret_access_key"] not in text
    assert len(text) < 300
    return text


def test_a_store_that_cannot_be_had_is_one_sentence(endpoint: str, refusing: str) -> None:
    assert "nothing listens there" in why("s3://photos/c", endpoint="http://127.0.0.1:1")
    assert "no such bucket" in why("s3://nothing/c", endpoint=endpoint)
    assert "refuses these keys" in why("s3://photos/c", endpoint=refusing)
    assert "allow_http" in why("s3://photos/c", endpoint=endpoint, allow_http="false")
    assert "no such kind of store" in why("ftp://photos/c")
    assert "banana" in why("s3://photos/c", endpoint=endpoint, timeout="banana")
    for odd in ("a#b", "a?b", "50%25", "a\nb"):
        assert "has the character" in why(f"s3://photos/{odd}/c", endpoint=endpoint)
    assert "is not an address" in why("s3://photos/c", endpoint="127.0.0.1:9000")


def test_a_store_that_is_silent_is_given_up_in_bounded_time(silent: str) -> None:
    asked = time.monotonic()
    said = why("s3://photos/c", endpoint=silent, timeout="100ms", client_retry_timeout="0")
    assert "does not answer" in said
    # LanceDB's own patience is minutes; a busy machine does not make seconds of them.
    assert time.monotonic() - asked < 60


def test_a_catalog_on_an_object_store(
    endpoint: str, make_photo: MakePhoto, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CatalogError, match="no catalog at s3://photos/catalog"):
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
