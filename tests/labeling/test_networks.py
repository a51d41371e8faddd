"""What networks say of scenes by their vectors, and how it comes into a catalog."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from catalog.car_columns import space_record
from catalog.table import Catalog
from core.assertions import Assertion
from core.vocabulary import load_vocabulary
from embeddings.registry import SPACE, SpaceRecord
from labeling.label import current_labels, load_assertions
from labeling.labelers import Calibration, Labeler, LabelerThreshold, use_labeler
from labeling.linear import Array, Classifier, pack
from labeling.networks import (
    HISTOGRAM,
    PredictionCounts,
    VectorLabelers,
    ask_photos,
    label_vectors,
    load_vector_labelers,
    views_of,
)
from labeling.truth import known_views, load_vectors
from labeling.zero_shot import ZERO_SHOT, make_classifiers
from tests.labeling.scening import (
    NOW,
    Seen,
    add_scenes,
    decide_by_person,
    no_words,
    refresh,
    see_scenes,
)

if TYPE_CHECKING:
    from embeddings.clip import ClipEncoder

VOCABULARY = load_vocabulary()
VIEWS = VOCABULARY.attributes["view"].values
SENSIBLE = {
    "exterior": {"view", "color", "body_type", "background", "people", "age"},
    "interior": {"view", "people", "age"},
    "detail": {"view", "color"},
    "not_a_car": {"view"},
}


@pytest.fixture(scope="module")
def zero_shot(tiny_encoder: "ClipEncoder") -> tuple[Labeler, tuple[Classifier, ...]]:
    """Zero-shot as marque-tiny asks it, not calibrated; a label needs 0.6."""
    found = tuple(make_classifiers(tiny_encoder, VOCABULARY))
    calibration = {each.attribute: Calibration(1.0, 0.6) for each in found}
    version = tiny_encoder.record.version
    return Labeler(ZERO_SHOT, "zs+1", version, True, calibration, {}, pack(found)), found


@pytest.fixture(scope="module")
def panel(zero_shot: tuple[Labeler, tuple[Classifier, ...]]) -> VectorLabelers:
    return VectorLabelers((zero_shot,))


@pytest.fixture(scope="module")
def views(tiny_encoder: "ClipEncoder") -> Seen:
    """Scenes of all views, which are told apart without a fault."""
    found = see_scenes(tiny_encoder, range(9_000, 9_200))
    rows = [
        row for view in VIEWS for row in
        [at for at, labels in enumerate(found.labels) if labels.view == view][:8]
    ]  # fmt: skip
    some = Seen([found.contents[r] for r in rows], [found.labels[r] for r in rows],
                found.vectors[rows])  # fmt: skip
    assert {labels.view for labels in some.labels} == set(VIEWS)
    return some


def said_of(made: list[Assertion], key: str) -> dict[str, tuple[str, ...]]:
    mine = [each for each in made if each.image_id == key]
    assert len({each.attribute for each in mine}) == len(mine)
    return {each.attribute: each.values for each in mine}


def fixed(
    attribute: str, value: str, others: tuple[str, ...], *, name: str, accuracy: float
) -> tuple[Labeler, tuple[Classifier, ...]]:
    """A labeler that says the same of every photo, whatever its vector (4,)."""
    values = (value, *others)
    bias = np.array([3.0, *(0.0 for _ in others)], np.float32)
    one = Classifier(attribute, values, False, np.zeros((len(values), 4), np.float32), bias)
    how = {attribute: Calibration(1.0, 0.5, 50, accuracy)}
    return Labeler(name, "1", "m1", False, how, {}, pack([one])), (one,)


def test_what_makes_no_sense_for_the_view_is_not_asked(panel: VectorLabelers, views: Seen) -> None:
    made = label_vectors(panel, views.ids, views.vectors, {}, VOCABULARY, NOW)
    for key, labels in zip(views.ids, views.labels, strict=True):
        said = said_of(made, key)
        assert said["view"] == (labels.view,)
        assert set(said) == SENSIBLE[labels.view]


@pytest.mark.parametrize("view", VIEWS)
def test_a_known_view_overrides_what_the_network_sees(
    panel: VectorLabelers, views: Seen, view: str
) -> None:
    known = dict.fromkeys(views.ids[::2], view)
    made = label_vectors(panel, views.ids, views.vectors, known, VOCABULARY, NOW)
    for key, labels in zip(views.ids, views.labels, strict=True):
        said = said_of(made, key)
        assert set(said) == SENSIBLE[known.get(key, labels.view)]
        assert said["view"] == (labels.view,), "what it sees it says all the same"


def test_views_are_the_known_ones_or_those_seen(panel: VectorLabelers, views: Seen) -> None:
    key = views.ids[0]
    found = views_of(panel, views.ids, views.vectors, {key: "interior", "nobody": "detail"})
    assert found == ["interior", *(labels.view for labels in views.labels[1:])]


def test_where_nobody_tells_the_view_all_is_asked() -> None:
    one = VectorLabelers((fixed("body_type", "suv", ("van",), name="net", accuracy=0.9),))
    vectors = np.zeros((2, 4), np.float32)
    assert views_of(one, ["a", "b"], vectors, {"a": "interior"}) == ["interior", None]
    made = label_vectors(one, ["a", "b"], vectors, {"a": "interior"}, VOCABULARY, NOW)
    assert [(each.image_id, each.values) for each in made] == [("b", ("suv",))]


def test_a_view_that_the_panel_is_not_sure_of_is_no_reason_not_to_ask(
    zero_shot: tuple[Labeler, tuple[Classifier, ...]], views: Seen
) -> None:
    labeler, classifiers = zero_shot
    for view in (Calibration(1e3, 0.9), Calibration(1.0, None)):
        unsure = replace(labeler, calibration=labeler.calibration | {"view": view})
        panel = VectorLabelers(((unsure, classifiers),))
        assert set(views_of(panel, views.ids, views.vectors, {})) == {None}
        made = label_vectors(panel, views.ids, views.vectors, {}, VOCABULARY, NOW)
        assert {frozenset(said_of(made, key)) for key in views.ids} == {
            frozenset(SENSIBLE["exterior"])
        }


def test_a_statement_names_who_made_it_and_how_sure(panel: VectorLabelers, views: Seen) -> None:
    [labeler, _] = panel.members[0]
    for each in label_vectors(panel, views.ids, views.vectors, {}, VOCABULARY, NOW):
        assert (each.origin, each.by, each.version) == ("model", ZERO_SHOT, "zs+1")
        assert (each.about, each.one_of, each.revision, each.created_at) == ("", False, 0, NOW)
        assert each.confidence is not None
        assert 0 < each.confidence <= 1
        assert each.confidence == round(each.confidence, 4)
        assert each.attribute in labeler.calibration


def test_confidences_are_those_of_the_calibration(
    zero_shot: tuple[Labeler, tuple[Classifier, ...]], views: Seen
) -> None:
    labeler, classifiers = zero_shot
    cold = replace(labeler, calibration={"color": Calibration(4.0, 0.6)})
    found = {
        at: {
            (each.image_id, each.attribute): each.confidence or 0.0
            for each in label_vectors(
                VectorLabelers(((one, classifiers),)), views.ids, views.vectors, {}, VOCABULARY, NOW
            )
        }
        for at, one in (("plain", labeler), ("calibrated", cold))
    }
    for (key, name), sure in found["plain"].items():
        changed = found["calibrated"][key, name]
        assert (
            changed < sure if name == "color" and sure < 1 else changed == sure or name == "color"
        )
    weights = np.exp(classifiers[1].scores(views.vectors[:1])[0].astype(float) / 4.0)
    assert classifiers[1].attribute == "color"
    by_hand = weights.max() / weights.sum()
    assert found["calibrated"][views.ids[0], "color"] == pytest.approx(by_hand, abs=1e-4)


def test_an_attribute_that_the_vocabulary_no_longer_has_is_not_asked() -> None:
    rust = VectorLabelers((fixed("rust", "much", ("none",), name="net", accuracy=0.9),))
    assert label_vectors(rust, ["a"], np.zeros((1, 4), "f4"), {}, VOCABULARY, NOW) == []


def test_of_no_photos_nothing_is_said(panel: VectorLabelers, scene_catalog: Catalog) -> None:
    nothing: Array = np.empty((0, 512), np.float32)
    assert label_vectors(panel, [], nothing, {}, VOCABULARY, NOW) == []
    assert views_of(panel, [], nothing, {}) == []
    asked = ask_photos(scene_catalog, panel, [], nothing, {}, run_id="r")
    assert (asked.photos, asked.said, asked.passed, asked.confidences) == (0, {}, {}, {})


def test_a_panel_of_nobody_says_nothing(views: Seen) -> None:
    assert label_vectors(VectorLabelers(()), views.ids, views.vectors, {}, VOCABULARY, NOW) == []


def test_the_panel_is_who_reads_these_vectors(scene_catalog: Catalog) -> None:
    good, _ = fixed("view", "detail", ("exterior",), name="good", accuracy=0.9)
    head, _ = fixed("view", "interior", ("exterior",), name="head view", accuracy=0.1)
    fair, _ = fixed("view", "exterior", ("interior",), name="fair", accuracy=0.8)
    others = [
        replace(good, name="of another model", space_version="m0"),
        replace(good, name="without weights", weights=None),
        replace(good, name="of pictures", space_version=""),
    ]
    for each in (fair, good, head, *others):
        use_labeler(scene_catalog, each, run_id="r")
    panel = load_vector_labelers(scene_catalog, "m1")
    assert [labeler.name for labeler, _ in panel.members] == ["head view", "good", "fair"]
    vectors = np.zeros((1, 4), np.float32)
    assert views_of(panel, ["a"], vectors, {}) == ["interior"], "the most trusted tells the view"
    assert panel.find_classifier("color") is None
    assert load_vector_labelers(scene_catalog, "m2").members == ()


def use(catalog: Catalog, panel: VectorLabelers) -> None:
    for labeler, _ in panel.members:
        use_labeler(catalog, labeler, run_id="r")


def test_what_is_said_is_kept_and_labels_what_sources_leave_open(
    scene_catalog: Catalog, panel: VectorLabelers, seen: Seen
) -> None:
    use(scene_catalog, panel)
    some = seen.take(60)
    before = current_labels(scene_catalog, some.ids)
    asked = ask_photos(scene_catalog, panel, some.ids, some.vectors, {}, run_id="r")
    after = current_labels(scene_catalog, some.ids)
    assert asked.photos == 60
    for key, labels in zip(some.ids, some.labels, strict=True):
        assert {name: after[key][name] for name in before[key]} == before[key]
        if labels.view == "detail" and labels.color:
            assert after[key]["color"].origin == "model"
        assert set(after[key]) <= SENSIBLE[labels.view]
    assert {label.origin for each in after.values() for label in each.values()} == {
        "source", "model",
    }  # fmt: skip


def test_asking_again_adds_nothing(
    scene_catalog: Catalog, panel: VectorLabelers, seen: Seen
) -> None:
    ids, vectors = load_vectors(scene_catalog, SPACE, seen.ids[:60])
    views = known_views(scene_catalog, ids)
    told = scene_catalog.count("assertions")
    first = ask_photos(scene_catalog, panel, ids, vectors, views, run_id="r")
    count = scene_catalog.count("assertions")
    again = ask_photos(scene_catalog, panel, ids, vectors, views, run_id="other")
    assert scene_catalog.count("assertions") == count
    assert (again.photos, again.statements, again.said) == (first.photos, {}, {})
    retried = ask_photos(scene_catalog, panel, ids, vectors, views, run_id="r")
    assert retried == first, "what an earlier try of the run added is this run's"
    assert first.statements.total() == count - told


def test_asking_by_stored_vectors_adds_nothing_to_what_was_said_by_new_ones(
    scene_catalog: Catalog, panel: VectorLabelers, seen: Seen
) -> None:
    """A photo is asked as it is embedded, and again where a person corrects its view; stored
    vectors are float16, and a confidence that differs in its last digit is another statement."""
    some = seen.take(60)
    views = {key: labels.view for key, labels in zip(some.ids, some.labels, strict=True)}
    ask_photos(scene_catalog, panel, some.ids, some.vectors, views, run_id="r")
    count = scene_catalog.count("assertions")
    ids, vectors = load_vectors(scene_catalog, SPACE, some.ids)
    ask_photos(scene_catalog, panel, ids, vectors, views, run_id="r")
    assert scene_catalog.count("assertions") == count


def test_a_corrected_view_lets_the_rest_be_asked(
    scene_catalog: Catalog, panel: VectorLabelers, seen: Seen
) -> None:
    use(scene_catalog, panel)
    at = next(at for at, labels in enumerate(seen.labels[:60]) if labels.view == "interior")
    key = seen.ids[at]
    decide_by_person(scene_catalog, [key], "view", ["exterior"])
    ids, vectors = load_vectors(scene_catalog, SPACE, [key])
    views = known_views(scene_catalog, ids)
    assert views == {key: "exterior"}
    ask_photos(scene_catalog, panel, ids, vectors, views, run_id="r")
    said = {each.attribute for each in load_assertions(scene_catalog, [key])[key]}
    assert said == SENSIBLE["exterior"]


def statement(name: str, *values: str, sure: float | None, version: str = "1") -> Assertion:
    return Assertion("f" * 64, name, values, False, sure, "model", "net", version, "", NOW)


def test_what_was_asked_is_counted() -> None:
    thresholds = [
        LabelerThreshold("color", "net", "1", 0.8),
        LabelerThreshold("people", "net", "1", None),
    ]
    asked = PredictionCounts(photos=3)
    asked.count(
        [
            statement("color", "red", sure=0.8),
            statement("color", "red", sure=0.79),
            statement("color", "blue", sure=1.0),
            statement("color", "blue", sure=1.0, version="older"),
            statement("people", "man", "woman", sure=0.99),
            statement("people", sure=0.0),
            statement("view", "exterior", sure=0.5),
            statement("view", "exterior", sure=None),
        ],
        thresholds,
    )
    assert asked.said == {
        ("net", "color", "red"): 2, ("net", "color", "blue"): 2, ("net", "people", "man"): 1,
        ("net", "people", "woman"): 1, ("net", "people", "none"): 1, ("net", "view", "exterior"): 1,
    }  # fmt: skip
    assert +asked.passed == {("net", "color", "red"): 1, ("net", "color", "blue"): 1}
    bins = asked.confidences["net", "color"]
    assert (len(bins), sum(bins)) == (HISTOGRAM, 4)
    assert (bins[15], bins[16], bins[HISTOGRAM - 1]) == (1, 1, 2)
    assert [asked.confidences["net", "people"][at] for at in (0, HISTOGRAM - 1)] == [1, 1]


def test_counts_of_shards_add_up() -> None:
    total = PredictionCounts()
    parts = []
    for name in ("color", "view"):
        part = PredictionCounts(photos=2)
        part.count([statement(name, "x", sure=0.9)] * 3, [LabelerThreshold(name, "net", "1", 0.5)])
        parts.append(part)
    for part in [*parts, *parts]:
        total.add(part)
    assert total.photos == 8
    assert total.said == {("net", "color", "x"): 6, ("net", "view", "x"): 6}
    assert total.passed == total.said
    assert total.confidences["net", "color"][18] == 6
    assert parts[0].confidences["net", "color"][18] == 3, "what is added stays as it was"


def test_stored_vectors_are_unit_vectors_of_the_right_photos(
    scene_catalog: Catalog, seen: Seen
) -> None:
    wanted = [seen.ids[5], "nobody", seen.ids[3], seen.ids[5]]
    ids, vectors = load_vectors(scene_catalog, SPACE, wanted)
    assert sorted(ids) == sorted({seen.ids[5], seen.ids[3]})
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    for key, vector in zip(ids, vectors, strict=True):
        assert vector @ seen.vectors[seen.ids.index(key)] > 0.9999
    none, empty = load_vectors(scene_catalog, SPACE, [])
    assert (none, empty.shape) == ([], (0, 512))


def test_a_view_is_known_from_people_and_sources_only(
    scene_catalog: Catalog, panel: VectorLabelers, seen: Seen
) -> None:
    said = known_views(scene_catalog, [seen.ids[0], "nobody"])
    assert said == {seen.ids[0]: seen.labels[0].view}
    record = SpaceRecord.from_json(space_record(scene_catalog.table("cars").schema, SPACE) or b"")
    [key] = add_scenes(scene_catalog, seen.take(1, start=100), record, no_words)
    use(scene_catalog, panel)
    ask_photos(scene_catalog, panel, [key], seen.vectors[100:101], {}, run_id="r")
    refresh(scene_catalog)
    [row] = scene_catalog.rows("cars", [key], ["view", "view_origin"]).to_pylist()
    assert row == {"view": seen.labels[100].view, "view_origin": "model"}
    assert known_views(scene_catalog, [key]) == {}
