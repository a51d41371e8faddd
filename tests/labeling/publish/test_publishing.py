"""What may be published, and that it is what was checked."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from catalog import versions
from catalog.car_columns import open_space
from catalog.published import PublishedCars
from catalog.register import register
from catalog.table import Catalog, CatalogError, StoreError, open_catalog
from catalog.versions import at_published, published_version
from core.vocabulary import load_vocabulary
from labeling.labelers import Calibration, Labeler, use_labeler
from labeling.pending import stale_cars
from labeling.publish import publish as publishing
from labeling.publish.cars import Vectors, refresh_cars, replace_vectors
from labeling.publish.loss import LossError, losses
from labeling.publish.publish import PublishResult, publish
from tests.catalog.making import Fill, MakePhoto, record

After = Callable[[Catalog], object]


def refresh(catalog: Catalog) -> None:
    refresh_cars(catalog, stale_cars(catalog))


def once_checked(monkeypatch: pytest.MonkeyPatch, call: After, *, times: int = 1) -> list[int]:
    """Let `call` write after a version was checked and before it is published, so many times; the
    versions that were checked."""
    check, checked = publishing._check, list[int]()

    def checking(catalog: Catalog, version: int, space: str) -> PublishResult:
        done = check(catalog, version, space)
        checked.append(version)
        if len(checked) <= times:
            call(open_catalog(catalog.uri))
        return done

    monkeypatch.setattr(publishing, "_check", checking)
    return checked


def put_twice(catalog: Catalog) -> None:
    table = catalog.table("cars")
    table.add(table.search().limit(1).to_arrow())


def test_what_is_written_between_check_and_tag_is_not_published_unseen(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(catalog, [make_photo(seed) for seed in range(3)])
    good = int(catalog.table("cars").version)
    checked = once_checked(monkeypatch, put_twice)
    done = publish(catalog)
    assert int(catalog.table("cars").version) > good
    assert (done.version, published_version(catalog)) == (good, good)
    assert checked == [good], "the newest version did not pass"
    assert PublishedCars(catalog).count() == 3
    with pytest.raises(CatalogError, match="1 photos are in table 'cars' twice"):
        publish(catalog)
    assert published_version(catalog) == good


def test_what_another_run_completes_meanwhile_is_published_too(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(catalog, [make_photo(1)])
    checked = once_checked(monkeypatch, lambda other: fill(other, [make_photo(2)]))
    done = publish(catalog)
    assert (done.photos, done.moved, len(checked)) == (2, True, 2)
    assert PublishedCars(catalog).count() == 2


def test_a_writer_that_never_rests_keeps_nothing_from_being_published(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(catalog, [make_photo(0)])
    seeds = iter(range(1, 100))
    write: After = lambda other: fill(other, [make_photo(next(seeds))])  # noqa: E731
    checked = once_checked(monkeypatch, write, times=99)
    done = publish(catalog)
    assert done.version == published_version(catalog) == checked[-1]
    assert PublishedCars(catalog).count() == done.photos < catalog.count("cars")


def test_a_later_version_that_another_run_published_stays(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(catalog, [make_photo(1)])

    def other_run(other: Catalog) -> None:
        fill(other, [make_photo(2)])
        publish(other)

    once_checked(monkeypatch, other_run)
    publish(catalog)
    assert published_version(catalog) == int(catalog.table("cars").version)
    assert PublishedCars(catalog).count() == 2


def test_a_later_version_stays_also_where_a_third_run_is_half_done(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(catalog, [make_photo(1)])
    publish(catalog)
    fill(catalog, [make_photo(3)])
    later = []

    def others(other: Catalog) -> None:
        fill(other, [make_photo(2)])
        later.append(publish(other).version)
        put_twice(other)

    once_checked(monkeypatch, others)
    publish(catalog)
    assert published_version(catalog) == later[0]


def test_what_was_said_a_moment_ago_waits_and_is_counted(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill
) -> None:
    fill(catalog, [make_photo(1, "a"), make_photo(2, "b")])
    assert publish(catalog).waiting == 0
    register(catalog, [make_photo(1, "a", color="red")], run_id="other")
    done = publish(catalog)
    assert (done.photos, done.waiting) == (2, 1)
    refresh(catalog)
    assert publish(catalog).waiting == 0


def test_a_broken_off_tag_is_set_by_the_next_publish(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(catalog, [make_photo(1)])
    with monkeypatch.context() as broken:
        broken.setattr(publishing, "_set_tag", _killed)
        with pytest.raises(KeyboardInterrupt):
            publish(catalog)
    assert published_version(catalog) is None
    assert publish(catalog).moved


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


TAGS = {
    "emptied": b"",
    "garbage": b"\x00\xffgarbage",
    "another program's": b"{}",
    "of a version that is gone": b'{"branch": null, "version": 999, "manifestSize": 35397}',
}


@pytest.mark.parametrize("body", TAGS.values(), ids=TAGS)
def test_a_damaged_tag_is_set_anew(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill, body: bytes
) -> None:
    fill(catalog, [make_photo(1)])
    version = publish(catalog).version
    (tag,) = Path(catalog.uri).rglob("published.json")
    tag.write_bytes(body)
    with pytest.raises(CatalogError, match=r"`marque publish`") as told:
        PublishedCars(catalog)
    assert ".rs" not in str(told.value)
    assert publish(catalog).version == published_version(catalog) == version
    assert PublishedCars(catalog).count() == 1


def test_a_store_that_cannot_be_reached_is_no_damaged_tag(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(catalog, [make_photo(1)])
    publish(catalog)

    def away(*_: object) -> None:
        with versions.reading("the tag"):
            raise OSError("Generic S3 error: error sending request")

    with monkeypatch.context() as broken:
        broken.setattr(versions, "published_version", away)
        with pytest.raises(CatalogError, match="error sending request"):
            publish(catalog)
    assert published_version(catalog) is not None


@pytest.fixture
def hundred(catalog: Catalog, make_photo: MakePhoto, fill: Fill) -> Catalog:
    """A catalog with 100 red photos, published."""
    fill(catalog, [make_photo(seed, color="red") for seed in range(100)])
    publish(catalog)
    return catalog


def held(catalog: Catalog) -> set[str]:
    return set(catalog.column("cars", "image_id").to_pylist())


def remove(catalog: Catalog, photos: int) -> None:
    catalog.remove("cars", catalog.column("cars", "image_id").to_pylist()[:photos])


def test_losing_many_photos_is_refused_unless_it_is_meant(
    hundred: Catalog, make_photo: MakePhoto, fill: Fill
) -> None:
    remove(hundred, 10)
    assert publish(hundred).photos == 90, "a tenth at once"
    before = published_version(hundred)
    hundred.remove("images", set(hundred.column("images", "image_id").to_pylist()) - held(hundred))
    fill(hundred, [make_photo(seed) for seed in range(200, 260)])  # more of others
    remove(hundred, 40)
    with pytest.raises(LossError, match=r"lose 40 of 90 photos, 40 of 90 labels of color, .*10%"):
        publish(hundred)
    assert published_version(hundred) == before
    assert publish(hundred, max_loss=0.5).moved


def test_losing_the_labels_of_an_attribute_is_refused(hundred: Catalog) -> None:
    hundred.table("assertions").delete("true")
    refresh(hundred)
    with pytest.raises(LossError, match=r"lose 100 of 100 labels of color, .* --allow-loss"):
        publish(hundred)
    done = publish(hundred, max_loss=1)
    assert (done.photos, done.moved) == (100, True)


def test_a_space_that_lost_its_vectors_is_not_published(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill
) -> None:
    """As where its model was replaced, and the filling was killed."""
    ids = fill(catalog, [make_photo(seed) for seed in range(20)])
    open_space(catalog, "shape", 2, record("shape@1"))
    vectors = Vectors("shape", "shape@1", ids, np.ones((20, 2), np.float32))
    replace_vectors(catalog, vectors)
    publish(catalog)
    open_space(catalog, "shape", 2, record("shape@2"))
    said = r"20 of 20 vectors of space 'shape' \(`marque embed --space shape`\)"
    with pytest.raises(LossError, match=said):
        publish(catalog)
    assert PublishedCars(catalog).vector("shape", ids[0]) is not None
    replace_vectors(catalog, replace(vectors, version="shape@2"))
    assert publish(catalog).moved
    open_space(catalog, "shape", 2, record("shape@3"))
    assert publish(catalog, max_loss=1).moved


def test_few_photos_may_all_change(catalog: Catalog, make_photo: MakePhoto, fill: Fill) -> None:
    fill(catalog, [make_photo(seed, color="red") for seed in range(10)])
    publish(catalog)
    remove(catalog, 10)
    assert publish(catalog).photos == 0


def test_an_emptied_catalog_starts_anew(hundred: Catalog) -> None:
    hundred.drop_photos()
    assert published_version(hundred) is None
    assert not any(hundred.count(name) for name in ("images", "sightings", "cars"))
    assert publish(hundred) == PublishResult(0, 0, moved=False)


def test_labels_of_networks_may_go_with_another_threshold_and_not_by_themselves(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill
) -> None:
    eye = Labeler("eye", "1", "", False, {"color": Calibration(1.0, 0.5)})
    use_labeler(catalog, eye, run_id="r")
    ids = fill(catalog, [make_photo(seed) for seed in range(20)])
    said = [
        {
            "assertion_id": key, "image_id": key, "attribute": "color", "values": ["red"],
            "one_of": False, "confidence": 0.7, "origin": "model", "by": "eye", "version": "1",
            "about": "", "revision": 0, "created_at": 0,
        }
        for key in ids
    ]  # fmt: skip
    rows = pa.Table.from_pylist(said, catalog.specs["assertions"].schema)
    catalog.insert("assertions", rows)
    refresh(catalog)
    publish(catalog)
    first = at_published(catalog)
    assert first is not None
    use_labeler(catalog, replace(eye, calibration={"color": Calibration(1.0, 0.9)}), run_id="r")
    refresh(catalog)
    assert losses(first, catalog) == []
    assert publish(catalog).moved
    use_labeler(catalog, eye, run_id="r")
    refresh(catalog)
    publish(catalog)
    catalog.table("assertions").delete("true")
    refresh(catalog)
    with pytest.raises(LossError, match="20 of 20 labels of color"):
        publish(catalog)


def test_a_vocabulary_without_the_attribute_takes_its_labels(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill, tmp_path: Path
) -> None:
    words = tmp_path / "words.toml"
    words.write_text('[attributes.trim]\nkind = "closed"\n[attributes.trim.words]\nsport = ["s"]\n')
    grown = open_catalog(catalog.uri, vocabulary=load_vocabulary(words))
    from catalog.car_columns import add_label_columns

    add_label_columns(grown)
    fill(grown, [make_photo(seed, trim="s", color="red") for seed in range(20)])
    publish(grown)
    refresh(catalog)
    assert publish(catalog).photos == 20


def test_a_tag_that_cannot_be_written_is_told(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(catalog, [make_photo(1)])
    (Path(catalog.uri) / "cars.lance" / "_refs").write_text("in the way")
    with pytest.raises(CatalogError, match="published") as told:
        publish(catalog)
    assert isinstance(told.value, StoreError) or "cannot be read" in str(told.value)


def test_another_model_at_work_leaves_what_is_published(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(catalog, [make_photo(1)])
    once_checked(monkeypatch, lambda other: open_space(other, "semantic", 8, record("m2")))
    done = publish(catalog)
    assert (done.photos, PublishedCars(catalog).record("semantic")) == (1, record("m1"))
