"""Labeling as a flow: photos that no source describes, changed questions, real photos."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.table import Catalog
from labeling.labelers import Calibration, Labeler, load_labelers, use_labeler
from labeling.linear import pack, unpack
from synthetic.scenes import SceneLabels, render
from synthetic.scenes.write import jpeg_bytes

SEED = 31_000
COUNT = 60


@pytest.fixture
def home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With the small segmentation network, too."""
    monkeypatch.setenv("MARQUE_SEGMENTER", "marque-mask-tiny")
    return home


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, SceneLabels]]:
    """A folder of rendered photos that nobody describes, and what each shows, by file name."""
    folder = tmp_path_factory.mktemp("scenes")
    shown = {}
    for seed in range(SEED, SEED + COUNT):
        scene = render(seed)
        (folder / f"{seed}.jpg").write_bytes(jpeg_bytes(scene))
        shown[f"{seed}.jpg"] = scene.labels
    rows = "".join(f"{name},\n" for name in shown)
    (folder / "labels.csv").write_text(f"path,color\n{rows}")
    return folder, shown


def cars(catalog: Catalog, *columns: str) -> dict[str, dict[str, object]]:
    """Rows of `cars` by the name of the photo's file."""
    names = ["source_id", *columns]
    rows = catalog.table("cars").search().select(names).to_list()
    return {Path(row["source_id"]).name: row for row in rows}


def test_photos_that_nobody_describes_are_labeled_and_found(
    scenes: tuple[Path, dict[str, SceneLabels]], catalog: Callable[[], Catalog]
) -> None:
    from flows.ingest import ingest
    from flows.search import search

    folder, shown = scenes
    report = ingest(source="scenes", path=str(folder))
    rows = cars(catalog(), "color", "color_origin", "color_confidence", "body_type", "view")
    told = {name: row for name, row in rows.items() if row["color"] and shown[name].color}
    assert len(told) > 0.8 * COUNT
    right = sum(row["color"] == shown[name].color for name, row in told.items())
    assert right / len(told) > 0.9
    assert {row["color_origin"] for row in told.values()} == {"model"}
    assert all(0.9 <= float(str(row["color_confidence"])) <= 1 for row in told.values())
    inside = [name for name, labels in shown.items() if labels.view != "exterior"]
    assert {rows[name]["body_type"] for name in inside} == {None}, "it makes no sense there"
    said = report.network_labels["zero-shot: view"]
    assert sum(each.said for each in said.values()) == COUNT
    assert report.tables()["Labels from networks"]
    found = search(where=["color=red"], k=COUNT).answer
    assert found is not None
    assert {hit["labels"]["color"]["origin"] for hit in found["hits"]} == {"model"}


def test_a_second_run_asks_nobody(
    scenes: tuple[Path, dict[str, SceneLabels]], catalog: Callable[[], Catalog]
) -> None:
    from flows.ingest import ingest
    from flows.label import label

    ingest(source="scenes", path=str(scenes[0]), limit=20)
    before = catalog().count("assertions")
    again = label()
    assert again.stages["networks"].photos == 0
    assert catalog().count("assertions") == before
    more = ingest(source="scenes", path=str(scenes[0]))  # now the labeler is there when they enter
    assert more.stages["networks"].photos == COUNT - 20
    assert more.stages["networks"].counts == {"while embedding": COUNT - 20}
    assert sum(each.said for each in more.network_labels["zero-shot: view"].values()) == COUNT - 20
    assert more.stages["publish"].photos == COUNT - 20, "they entered complete"


def test_new_questions_are_asked_of_old_photos(
    scenes: tuple[Path, dict[str, SceneLabels]],
    catalog: Callable[[], Catalog],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from flows.ingest import ingest
    from flows.label import label

    ingest(source="scenes", path=str(scenes[0]))
    (old,) = load_labelers(catalog())
    mine = tmp_path / "mine.toml"
    mine.write_text(
        '[attributes.crowd]\nkind = "closed"\ntemplates = ["{}"]\nviews = ["exterior"]\n'
        "[attributes.crowd.words]\nempty = []\npeopled = []\n"
        '[attributes.crowd.prompts]\nempty = ["nobody", "no people", "no one"]\n'
        'peopled = ["a man", "a woman", "a child"]\n'
    )
    monkeypatch.setenv("MARQUE_VOCABULARY", str(mine))
    report = label()
    (new,) = load_labelers(catalog())
    assert new.version != old.version
    said = Counter(catalog().column("assertions", "version", "origin = 'model'").to_pylist())
    assert said[old.version] > 0, "what was said stays"
    assert said[new.version] > said[old.version]
    assert report.network_labels["zero-shot: crowd"]
    rows = cars(catalog(), "crowd", "crowd_origin")
    told = {name: row["crowd"] for name, row in rows.items() if row["crowd_origin"] == "model"}
    assert len(told) > 0.5 * COUNT
    right = sum((said == "peopled") == bool(scenes[1][name].people) for name, said in told.items())
    assert right / len(told) > 0.85


def test_the_pictures_themselves_are_looked_at_once(
    scenes: tuple[Path, dict[str, SceneLabels]], catalog: Callable[[], Catalog]
) -> None:
    from flows.ingest import ingest
    from flows.label import label

    folder, shown = scenes
    ingest(source="scenes", path=str(folder))
    report = label(pictures=["color", "surroundings"])
    exteriors = sum(each.view == "exterior" for each in shown.values())
    assert report.stages["colour"].photos >= exteriors
    assert catalog().count("segments") >= exteriors
    again = label(pictures=["colour", "surroundings"])
    assert (again.stages["colour"].photos, again.stages["surroundings"].photos) == (0, 0)
    table = catalog().table("assertions").search().select(["image_id", "by", "values", "attribute"])
    rows = table.to_list()
    said = {r["image_id"]: r["values"] for r in rows if r["by"] == "colour" and r["values"]}
    names = {row["image_id"]: name for name, row in cars(catalog(), "image_id").items()}
    right = [values == [shown[names[key]].color] for key, values in said.items()]
    assert len(right) > 0.8 * exteriors
    assert sum(right) / len(right) > 0.8


def test_real_photos_get_no_label_from_a_try_out_model_that_was_not_measured_on_them(
    catalog: Callable[[], Catalog], home: Path, shared_data: Path, tmp_path: Path
) -> None:
    from flows.ingest import ingest

    folder = tmp_path / "real"
    folder.mkdir()
    for photo in sorted((shared_data / "cars_224").glob("*/*.jpg"))[:200:10]:
        (folder / photo.name).symlink_to(photo)
    report = ingest(path=str(folder))
    assert report.network_labels["zero-shot: color"], "it was asked, and what it said is kept"
    assert sum(each.labeled for each in report.network_labels["zero-shot: color"].values()) == 0
    origins = {row["color_origin"] for row in cars(catalog(), "color_origin").values()}
    assert origins == {None}


def test_a_head_that_learned_from_scenes_is_not_heard_about_real_photos(
    scenes: tuple[Path, dict[str, SceneLabels]],
    catalog: Callable[[], Catalog],
    shared_data: Path,
    tmp_path: Path,
) -> None:
    from flows.ingest import ingest
    from flows.label import label

    ingest(source="scenes", path=str(scenes[0]), limit=40)
    (zero_shot,) = load_labelers(catalog(), weights=True)
    (color,) = [each for each in unpack(zero_shot.weights or b"") if each.attribute == "color"]
    how = {"color": Calibration(1.0, 0.0, 300, 1.0, 1.0)}
    version = zero_shot.space_version
    head = Labeler("head color", "v1", version, True, how, {"real_only": False}, pack([color]))
    use_labeler(catalog(), head, run_id="r")
    assert label().network_labels["head color: color"], "of scenes it is heard"
    folder = tmp_path / "real"
    folder.mkdir()
    for photo in sorted((shared_data / "cars_224").glob("*/*.jpg"))[:100:10]:
        (folder / photo.name).symlink_to(photo)
    report = ingest(path=str(folder))
    assert [each.name for each in load_labelers(catalog())] == ["zero-shot"]
    assert any("head color" in message for message in report.messages)
    real = {path.name for path in folder.iterdir()}
    rows = cars(catalog(), "color_origin")
    assert {rows[name]["color_origin"] for name in real} == {None}
