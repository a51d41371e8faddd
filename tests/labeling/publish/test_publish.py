import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from catalog.car_columns import add_label_columns, open_space, space_record
from catalog.photos import photo_bytes
from catalog.published import PublishedCars
from catalog.register import register
from catalog.rejects import store_rejects
from catalog.table import Catalog, CatalogError, open_catalog
from catalog.versions import published_version
from core.photos.decode import image_id
from core.records import Drop, Photo
from core.vocabulary import Vocabulary, load_vocabulary
from labeling.consensus import Decision
from labeling.label import decisions, label_sightings
from labeling.pending import embed_stage, stale_cars, unembedded_images, unlabeled_sightings
from labeling.publish import cars
from labeling.publish.cars import append_cars, refresh_cars, replace_vectors
from labeling.publish.publish import publish
from labeling.publish.status import catalog_status, describe_photo, find_photo
from tests.catalog.making import SIZE, Fill, MakePhoto, png, record, unit, vectors_for


def label(catalog: Catalog) -> None:
    add_label_columns(catalog)
    label_sightings(catalog, unlabeled_sightings(catalog), run_id="r")


def refresh(catalog: Catalog) -> list[str]:
    stale = stale_cars(catalog)
    refresh_cars(catalog, stale)
    return stale


def told(catalog: Catalog, key: str, attribute: str = "color") -> object:
    return describe_photo(catalog, key)["labels"].get(attribute, {}).get("value")


def killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_photo_enters_complete_and_is_published(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill
) -> None:
    assert publish(catalog).photos == 0
    assert published_version(catalog) is None
    (key,) = fill(catalog, [make_photo(1, color="rot", body_type="4x4", people="man, child")])
    done = publish(catalog)
    assert (done.photos, done.moved, done.version) == (1, True, published_version(catalog))
    assert not publish(catalog).moved
    row = catalog.table("cars").to_arrow().to_pylist()[0]
    assert (row["color"], row["color_origin"], row["people"]) == ("red", "source", ["man", "child"])
    assert (row["body_type"], row["source_id"], row["width"]) == (None, "place 1", 72)
    assert row["thumbnail"] == catalog.table("images").to_arrow().to_pylist()[0]["thumbnail"]
    assert row["semantic"] == pytest.approx(unit(int(key[:8], 16)).tolist(), abs=1e-3)


def test_a_run_broken_anywhere_goes_on_when_run_again(
    catalog: Catalog, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [make_photo(seed, color="red") for seed in range(3)]
    register(catalog, photos, run_id="r")
    waiting = unlabeled_sightings(catalog)
    with monkeypatch.context() as broken:
        broken.setattr(Catalog, "update", killed)
        with pytest.raises(KeyboardInterrupt):
            label_sightings(catalog, waiting, run_id="r")
    assert catalog.count("assertions") == 3
    assert unlabeled_sightings(catalog) == waiting
    open_space(catalog, "semantic", SIZE, record("m1"))
    ids, _ = unembedded_images(catalog, "semantic", "m1")
    # one photo gets into `cars` before its words were marked as read
    append_cars(catalog, vectors_for(ids[:1], "m1"))
    label(catalog)
    assert catalog.count("assertions") == 3
    done = publish(catalog)
    assert (done.photos, done.waiting) == (1, 1), "whole, though newer labels wait"
    ids, old = unembedded_images(catalog, "semantic", "m1")
    assert (len(ids), old) == (2, [])
    append_cars(catalog, vectors_for(ids, "m1"))
    assert append_cars(catalog, vectors_for(ids, "m1")) == 0
    assert len(refresh(catalog)) == 1
    assert publish(catalog).photos == 3
    assert {told(catalog, image_id(png(seed))) for seed in range(3)} == {"red"}


def test_what_is_said_while_a_row_is_made_leaves_it_stale(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    (key,) = fill(catalog, [make_photo(1, "a")])

    def slow(catalog: Catalog, ids: Sequence[str]) -> dict[str, dict[str, Decision]]:
        made = decisions(catalog, ids)
        register(catalog, [make_photo(1, "a", color="red")], run_id="r")
        label(catalog)
        return made

    register(catalog, [make_photo(1, "a", view="exterior")], run_id="r")
    with monkeypatch.context() as patch:
        patch.setattr(cars, "decisions", slow)
        refresh_cars(catalog, [key])
    assert told(catalog, key) is None
    assert refresh(catalog) == [key]
    assert told(catalog, key) == "red"


def test_new_words_change_the_label_and_no_words_take_it_away(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill
) -> None:
    (key,) = fill(catalog, [make_photo(1, "a", color="red")])
    for words, expected in [
        ({"color": "blue"}, "blue"), ({"color": "red"}, "red"), ({}, None), ({"color": "?"}, None),
    ]:  # fmt: skip
        register(catalog, [make_photo(1, "a", **words)], run_id="r")
        assert stale_cars(catalog) == [key]
        refresh(catalog)  # a publish between registering and labeling must not hide the change
        label(catalog)
        assert refresh(catalog) == [key]
        assert told(catalog, key) == expected, words
        assert publish(catalog).photos == 1


def test_publishing_is_refused_for_what_is_there_twice_or_in_two_models(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill
) -> None:
    ids = fill(catalog, [make_photo(seed) for seed in range(4)])
    before = publish(catalog).version
    replace_vectors(catalog, replace(vectors_for(ids[:2], "m0"), version="m0"))
    with pytest.raises(CatalogError, match=r"2 of 4 photos wait for a 'semantic' vector of m1"):
        publish(catalog)
    replace_vectors(catalog, vectors_for(ids[:2], "m1"))
    table = catalog.table("cars")
    first = table.search().limit(1).to_arrow()
    table.add(first)
    with pytest.raises(CatalogError, match="1 photos are in table 'cars' twice"):
        publish(catalog)
    assert published_version(catalog) == before
    catalog.remove("cars", first.column("image_id").to_pylist())
    with pytest.raises(CatalogError, match="no photo has a 'content' vector"):
        publish(catalog, "content")


def test_a_reader_keeps_what_was_published_when_it_came(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill
) -> None:
    fill(catalog, [make_photo(1)])
    with pytest.raises(CatalogError, match="nothing is published"):
        PublishedCars(catalog)
    first = publish(catalog).version
    reader = PublishedCars(catalog)
    fill(catalog, [make_photo(2)])
    assert PublishedCars(catalog).count() == 1
    second = publish(catalog).version
    assert second > first
    assert (reader.count(), PublishedCars(catalog).count()) == (1, 2)
    assert len(reader.first(5)) == 1
    assert len(reader.nearest("semantic", unit(0), 5)) == 1


def test_a_photo_removed_everywhere_leaves_the_search_too(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill
) -> None:
    fill(catalog, [make_photo(1, "a")])
    publish(catalog)
    register(catalog, [make_photo(2, "a")], run_id="r")
    refresh(catalog)
    done = publish(catalog)
    assert (done.photos, done.moved) == (0, True)
    assert PublishedCars(catalog).count() == 0


def test_another_model_of_another_size(catalog: Catalog, make_photo: MakePhoto, fill: Fill) -> None:
    ids = fill(catalog, [make_photo(seed) for seed in range(5)])
    publish(catalog)
    open_space(catalog, "semantic", 8, record("m2"))
    assert unembedded_images(catalog, "semantic", "m2")[1] == ids
    cars = PublishedCars(catalog)
    assert cars.record("semantic") == record("m1")
    assert cars.nearest("semantic", unit(int(ids[3][:8], 16)), 1)[0][0] == ids[3]
    with pytest.raises(CatalogError, match="5 of 5 photos wait"):
        publish(catalog)
    store_rejects(catalog, [Drop("images", ids[0], "odd")], stage=embed_stage("m2"), run_id="r")
    replace_vectors(catalog, vectors_for(ids[1:], "m2", 8))
    assert publish(catalog).photos == 5
    cars = PublishedCars(catalog)
    assert cars.record("semantic") == record("m2")
    assert {key for key, _ in cars.nearest("semantic", unit(1, 8), 9)} == set(ids[1:])
    assert cars.vector("semantic", ids[0]) is None
    assert cars.sample("semantic", 9).shape == (4, 8)
    row = describe_photo(catalog, ids[0])
    assert row["searchable"]


def user_vocabulary(folder: Path, body: str) -> Vocabulary:
    path = folder / f"words {abs(hash(body))}.toml"
    path.write_text(body)
    return load_vocabulary(path)


def test_a_vocabulary_changed_and_changed_back(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill, tmp_path: Path
) -> None:
    (key,) = fill(catalog, [make_photo(1, color="zinnober", trim="Sport")])
    assert (told(catalog, key), catalog.count("assertions")) == (None, 0)
    publish(catalog)
    more = user_vocabulary(
        tmp_path,
        '[attributes.color.words]\nred = ["zinnober"]\n'
        '[attributes.trim]\nkind = "closed"\n[attributes.trim.words]\nsport = ["Sport"]\n',
    )
    grown = open_catalog(catalog.uri, vocabulary=more)
    assert describe_photo(grown, key)["labels"] == {}  # before anything was run with it
    assert (len(unlabeled_sightings(grown)), stale_cars(grown)) == (1, [key])
    label(grown)
    assert refresh(grown) == [key]
    publish(grown)
    assert (told(grown, key), told(grown, key, "trim")) == ("red", "sport")
    assert PublishedCars(grown).first(1, "`trim` = 'sport'") == [key]

    assert stale_cars(catalog) == [key]
    label(catalog)
    assert refresh(catalog) == [key]
    assert told(catalog, key) is None
    # photos still get in beside columns that the vocabulary no longer has
    (other,) = fill(catalog, [make_photo(2, color="red")])
    assert (publish(catalog).photos, told(catalog, other)) == (2, "red")

    label(grown)
    assert set(refresh(grown)) == {key, other}
    assert (told(grown, key), told(grown, other)) == ("red", "red")


def test_an_attribute_that_was_of_another_kind_is_told(catalog: Catalog, tmp_path: Path) -> None:
    number = user_vocabulary(tmp_path, '[attributes.doors]\nkind = "number"\nrange = [1, 9]\n')
    grown = open_catalog(catalog.uri, vocabulary=number)
    assert set(add_label_columns(grown)) == {"doors", "doors_origin", "doors_confidence"}
    assert add_label_columns(grown) == []
    words = user_vocabulary(tmp_path, '[attributes.doors]\nkind = "open"\n')
    with pytest.raises(CatalogError, match="already holds 'doors' as int32"):
        add_label_columns(open_catalog(catalog.uri, vocabulary=words))


def test_handles_that_open_the_same_space_at_once(catalog: Catalog) -> None:
    for version in ("m1", "m2", "m3"):
        handles = [open_catalog(catalog.uri) for _ in range(2)]
        with ThreadPoolExecutor(2) as pool:
            work = [
                pool.submit(open_space, each, "semantic", 8, record(version)) for each in handles
            ]
            for each in work:
                each.result(60)
        names = catalog.table("cars").schema.names
        assert (names.count("semantic"), names.count("semantic_version")) == (1, 1)
        assert space_record(catalog.table("cars").schema, "semantic") == record(version)


def test_a_column_half_made_by_a_killed_run_is_made_again(catalog: Catalog) -> None:
    open_space(catalog, "semantic", 8, record("m1"))
    catalog.table("cars").drop_columns(["semantic"])
    open_space(catalog, "semantic", 4, record("m2"))
    assert space_record(catalog.table("cars").schema, "semantic") == record("m2")


def test_the_shown_place_is_the_one_with_a_license(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill
) -> None:
    free = replace(make_photo(1, "b").sighting, license="CC BY 4.0", creator="Ann")
    fill(catalog, [make_photo(1, "a"), Photo(free, png(1))])
    row = catalog.table("cars").to_arrow().to_pylist()[0]
    assert (row["source_id"], row["license"], row["creator"]) == ("b", "CC BY 4.0", "Ann")


def keys_of(catalog: Catalog, name: str) -> Sequence[str]:
    found: Sequence[str] = catalog.column(name, "image_id").to_pylist()
    return found


def test_status_and_photo_are_plain_json(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill
) -> None:
    assert json.loads(json.dumps(catalog_status(catalog)))["published"] is None
    register(catalog, [make_photo(9, model_year="2012")], run_id="r")
    status = catalog_status(catalog)
    assert status["pending"] == {"label": 1, "networks": 0, "embed": 1, "publish": 0}
    (key,) = fill(catalog, [], version="m1")
    publish(catalog)
    register(catalog, [make_photo(9, model_year="2013")], run_id="r")
    status = json.loads(json.dumps(catalog_status(catalog)))
    assert status["pending"] == {"label": 1, "networks": 0, "embed": 0, "publish": 1}
    assert status["rows"]["cars"] == status["published"]["photos"] == 1
    assert status["models"] == {"semantic": "m1"}
    photo = json.loads(json.dumps(describe_photo(catalog, key)))
    assert photo["labels"]["model_year"]["value"] == 2012
    assert photo["sightings"][0]["words"] == {"model_year": "2013"}
    assert photo["assertions"][0]["created_at"].endswith("+00:00")
    assert len(photo["phash"]) == 16
    assert not {"content", "thumbnail"} & set(photo)
    assert photo_bytes(catalog, key) == png(9)


def test_a_photo_is_found_by_the_first_digits_of_its_id(
    catalog: Catalog, make_photo: MakePhoto
) -> None:
    register(catalog, [make_photo(seed) for seed in range(3)], run_id="r")
    for key in keys_of(catalog, "images"):
        assert find_photo(catalog, key[:6]) == find_photo(catalog, key.upper()) == key
    for prefix in ("", "abc", "no such", "G" * 6, "'; -- x"):
        with pytest.raises(CatalogError, match="is not an image id"):
            find_photo(catalog, prefix)
    with pytest.raises(CatalogError, match="0 photos have an id"):
        find_photo(catalog, "ffffffffffff")
    for name in ("b" * 63 + "1", "b" * 63 + "2"):
        row = catalog.table("images").to_arrow().to_pylist()[0] | {"image_id": name}
        catalog.insert("images", pa.Table.from_pylist([row], catalog.specs["images"].schema))
    with pytest.raises(CatalogError, match=r"2 photos have an id .* give more digits"):
        find_photo(catalog, "bbbbbbbb")


def test_the_same_model_from_another_place_makes_nothing_wait(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill
) -> None:
    fill(catalog, [make_photo(1)])
    moved = json.dumps({"version": "m1", "weights": "elsewhere"}).encode()
    open_space(catalog, "semantic", SIZE, moved)
    assert unembedded_images(catalog, "semantic", "m1") == ([], [])


def test_two_that_publish_at_once_both_succeed(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill
) -> None:
    fill(catalog, [make_photo(seed) for seed in range(3)])
    others = [open_catalog(catalog.uri) for _ in range(4)]
    with ThreadPoolExecutor(len(others)) as pool:
        done = list(pool.map(publish, others))
    assert {each.version for each in done} == {published_version(catalog)}


def test_what_is_not_published_waits_for_it(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill
) -> None:
    fill(catalog, [make_photo(1)])
    assert catalog_status(catalog)["pending"]["publish"] == 1
    publish(catalog)
    (new,) = fill(catalog, [make_photo(2)])
    assert catalog_status(catalog)["pending"]["publish"] == 1
    assert not describe_photo(catalog, new)["searchable"]
    publish(catalog)
    assert catalog_status(catalog)["pending"]["publish"] == 0
    assert describe_photo(catalog, new)["searchable"]


def test_new_vectors_and_photos_that_are_gone_wait_to_be_published(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill
) -> None:
    ids = fill(catalog, [make_photo(seed) for seed in (1, 2, 3)])
    publish(catalog)
    open_space(catalog, "semantic", SIZE, record("m2"))
    replace_vectors(catalog, vectors_for(ids, "m2"))
    assert catalog_status(catalog)["pending"] == {
        "label": 0,
        "networks": 0,
        "embed": 0,
        "publish": 3,
    }
    publish(catalog)
    catalog.remove("cars", ids[:1])
    assert catalog_status(catalog)["pending"]["publish"] == 1
