"""Zero-shot put to use in a catalog of scenes: when it is made, kept and calibrated anew."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from catalog.car_columns import add_label_columns
from catalog.table import Catalog, open_catalog
from core.vocabulary import load_vocabulary
from embeddings.registry import SPACE, ModelError
from labeling.calibrate import LEAST_KNOWN
from labeling.label import current_labels, load_assertions
from labeling.labelers import Labeler, labels_version, load_labelers, retire_labeler, use_labeler
from labeling.linear import unpack
from labeling.networks import ask_photos, load_vector_labelers
from labeling.pending import unasked_images
from labeling.prepare import LabelPolicy, prepare_zero_shot
from labeling.truth import Truth, known_views, load_truth, load_vectors
from labeling.zero_shot import ZERO_SHOT, fingerprint
from tests.labeling.scening import (
    Seen,
    Words,
    add_scenes,
    decide_by_person,
    no_words,
    refresh,
    words_of,
)

if TYPE_CHECKING:
    from embeddings.clip import ClipEncoder

LABELS = LabelPolicy(precision=0.9, real_only=False)
REAL = LabelPolicy(precision=0.9, real_only=True)
Prepare = Callable[..., Labeler]
Fill = Callable[..., Catalog]


def no_encoder() -> "ClipEncoder":
    raise AssertionError("the encoder is loaded though no question is new")


@pytest.fixture
def prepare(tiny_encoder: "ClipEncoder") -> Prepare:
    def run(
        catalog: Catalog,
        labels: LabelPolicy = LABELS,
        *,
        again: bool = False,
        load: Callable[[], "ClipEncoder"] = lambda: tiny_encoder,
    ) -> Labeler:
        record = tiny_encoder.record
        return prepare_zero_shot(catalog, record, load, labels, run_id="r", again=again)

    return run


@pytest.fixture
def fill(tmp_path: Path, seen: Seen, tiny_encoder: "ClipEncoder") -> Fill:
    """A catalog of the first scenes, and more of them later."""
    catalog = open_catalog(tmp_path / "filled")

    def more(count: int, start: int = 0, words: Words = words_of, source: str = "shop") -> Catalog:
        add_scenes(catalog, seen.take(count, start), tiny_encoder.record, words, source=source)
        return catalog

    return more


def ask(catalog: Catalog, labeler: Labeler) -> None:
    """Let the networks in use say what they can of who waits for them, and show it."""
    panel = load_vector_labelers(catalog, labeler.space_version)
    waiting = unasked_images(catalog, SPACE, [each for each, _ in panel.members])
    ids, vectors = load_vectors(catalog, SPACE, waiting)
    ask_photos(catalog, panel, ids, vectors, known_views(catalog, ids), run_id="r")
    refresh(catalog)


def colors(count: int) -> Words:
    """The source tells the color of some photos only."""
    left = iter(range(count))
    return lambda labels: (
        {"color": labels.color} if labels.color and next(left, None) is not None else {}
    )


def test_the_first_use_makes_and_calibrates_it(
    scene_catalog: Catalog, prepare: Prepare, tiny_encoder: "ClipEncoder"
) -> None:
    made = prepare(scene_catalog)
    assert load_labelers(scene_catalog, weights=True) == [made]
    assert (made.name, made.is_tryout) == (ZERO_SHOT, True)
    assert made.space_version == tiny_encoder.record.version
    assert made.version.startswith(f"{made.space_version}+")
    assert [each.attribute for each in unpack(made.weights or b"")] == [*made.calibration]
    for name, how in made.calibration.items():
        assert how.photos >= LEAST_KNOWN, name
        assert how.accuracy is not None
        assert how.accuracy > 0.85, name
        assert how.threshold is not None, name
    assert made.calibration["view"].photos == 60
    assert made.calibration["color"].photos < 60, "an interior has none"


def test_what_nothing_is_known_about_goes_by_its_own_scale(fill: Fill, prepare: Prepare) -> None:
    made = prepare(fill(40, words=no_words))
    assert {(how.temperature, how.threshold) for how in made.calibration.values()} == {(1.0, 0.9)}
    assert {how.photos for how in made.calibration.values()} == {0}


def test_what_makes_no_sense_for_the_view_is_no_measure(
    fill: Fill, prepare: Prepare, seen: Seen
) -> None:
    """An advert gives the color of its car to each of its pictures, the seats included."""
    catalog = fill(60, words=lambda labels: {"color": labels.color or "red"})
    made = prepare(catalog)
    painted = [each for each in seen.labels[:60] if each.view in ("exterior", "detail")]
    assert made.facts["known color"] == 60
    assert made.calibration["color"].photos == len(painted) < 60


def test_a_second_use_loads_no_encoder_and_writes_nothing(
    scene_catalog: Catalog, prepare: Prepare
) -> None:
    made = prepare(scene_catalog)
    before = scene_catalog.versions()
    assert prepare(scene_catalog, load=no_encoder) == made
    assert scene_catalog.versions() == before


def test_calibrating_again_needs_no_encoder(scene_catalog: Catalog, prepare: Prepare) -> None:
    made = prepare(scene_catalog)
    again = prepare(scene_catalog, LabelPolicy(0.99, real_only=False), again=True, load=no_encoder)
    assert again.version != made.version
    assert again.weights == made.weights
    same = prepare(scene_catalog, LabelPolicy(0.99, real_only=False), again=True, load=no_encoder)
    assert same == again, "the same labels give the same version"
    for name, how in again.calibration.items():
        least, most = made.calibration[name].threshold, how.threshold
        assert most is None or (least is not None and most >= least), name


def test_twice_as_many_known_labels_calibrate_it_anew(fill: Fill, prepare: Prepare) -> None:
    catalog = fill(40)
    made = prepare(catalog)
    known = made.facts["known view"]
    assert known == 40
    fill(39, start=40)
    assert prepare(catalog, load=no_encoder) == made
    fill(1, start=79)
    later = prepare(catalog, load=no_encoder)
    assert later.version != made.version
    assert later.facts["known view"] == 80
    assert later.calibration["view"].photos == 80
    assert prepare(catalog, load=no_encoder) == later


def test_the_first_labels_that_are_enough_calibrate_it(fill: Fill, prepare: Prepare) -> None:
    """Were it due only when they double, 20 known labels would put it off until there are 40."""
    catalog = fill(60, words=colors(20))
    assert prepare(catalog).calibration["color"].photos == 0
    fill(20, start=60, words=colors(LEAST_KNOWN - 20))
    later = prepare(catalog, load=no_encoder)
    assert later.calibration["color"].photos >= LEAST_KNOWN - 2, "but for those seen as no exterior"


def test_what_people_decide_is_believed_before_what_sources_say(
    fill: Fill, prepare: Prepare, seen: Seen
) -> None:
    catalog = fill(60, words=lambda labels: {"color": "pink"} if labels.color else {})
    painted = [at for at, labels in enumerate(seen.labels[:60]) if labels.color]
    assert prepare(catalog).calibration["color"].threshold is None
    ids = [seen.ids[at] for at in painted]
    decide_by_person(catalog, ids, "color", [str(seen.labels[at].color) for at in painted])
    later = prepare(catalog, again=True, load=no_encoder).calibration["color"]
    assert later.photos == len(painted)
    assert later.threshold is not None
    assert (later.accuracy or 0) > 0.9


def test_labels_of_people_that_are_no_measure_are_not_tried_in_every_run(
    scene_catalog: Catalog, prepare: Prepare, seen: Seen
) -> None:
    """Of photos that are no exteriors body types tell nothing; a run over what is known writes
    nothing."""
    prepare(scene_catalog)
    ids = seen.ids[:LEAST_KNOWN]
    decide_by_person(scene_catalog, ids, "view", ["interior"] * LEAST_KNOWN)
    decide_by_person(scene_catalog, ids, "body_type", ["suv"] * LEAST_KNOWN)
    made = prepare(scene_catalog, load=no_encoder)
    before = scene_catalog.versions()
    assert prepare(scene_catalog, load=no_encoder) == made
    assert scene_catalog.versions() == before


def test_damaged_weights_are_made_anew(scene_catalog: Catalog, prepare: Prepare) -> None:
    made = prepare(scene_catalog)
    damaged = replace(made, weights=(made.weights or b"")[:1000])
    use_labeler(scene_catalog, damaged, run_id="r")
    assert load_vector_labelers(scene_catalog, made.space_version).members == ()
    with pytest.raises(AssertionError, match="the encoder is loaded"):
        prepare(scene_catalog, load=no_encoder)
    assert prepare(scene_catalog) == made


@pytest.mark.parametrize(
    "text",
    [
        '[attributes.color]\nprompts = {red = ["red", "crimson"]}',
        '[attributes.color]\ntemplates = ["paint in {}"]',
        '[attributes.mood]\nkind = "closed"\nwords = {sporty = [], elegant = []}',
    ],
)
def test_new_questions_make_it_anew(
    scene_catalog: Catalog,
    tmp_path: Path,
    prepare: Prepare,
    tiny_encoder: "ClipEncoder",
    text: str,
) -> None:
    made = prepare(scene_catalog)
    (tmp_path / "mine.toml").write_text(text)
    vocabulary = load_vocabulary(tmp_path / "mine.toml")
    changed = open_catalog(scene_catalog.uri, vocabulary=vocabulary)
    add_label_columns(changed)
    with pytest.raises(AssertionError, match="the encoder is loaded"):
        prepare(changed, load=no_encoder)
    later = prepare(changed)
    assert later.version != made.version
    assert later.facts["asked"] == fingerprint(vocabulary, tiny_encoder.record)
    assert {each.attribute for each in unpack(later.weights or b"")} == set(later.calibration)
    assert [each.version for each in load_labelers(changed)] == [later.version]
    assert prepare(scene_catalog) == made, "and the old questions give the old version"


def test_another_word_for_a_value_changes_nothing(
    scene_catalog: Catalog, tmp_path: Path, prepare: Prepare
) -> None:
    made = prepare(scene_catalog)
    (tmp_path / "mine.toml").write_text('[attributes.color.words]\nred = ["ruby"]')
    changed = open_catalog(scene_catalog.uri, vocabulary=load_vocabulary(tmp_path / "mine.toml"))
    assert prepare(changed, load=no_encoder) == made


def test_the_encoder_of_another_model_is_refused(
    scene_catalog: Catalog, prepare: Prepare, tiny_encoder: "ClipEncoder"
) -> None:
    class Other:
        record = replace(tiny_encoder.record, version="other@1")
        encode_texts, scale = tiny_encoder.encode_texts, tiny_encoder.scale

    with pytest.raises(ModelError, match=r"made with marque-tiny@.* here now is other@1; bring"):
        prepare(scene_catalog, load=Other)
    assert load_labelers(scene_catalog) == []


def test_rendered_photos_are_no_measure_where_real_ones_are(
    scene_catalog: Catalog, prepare: Prepare
) -> None:
    made = prepare(scene_catalog, REAL)
    assert {(how.threshold, how.photos) for how in made.calibration.values()} == {(None, 0)}
    ask(scene_catalog, made)
    labels = current_labels(scene_catalog, scene_catalog.column("cars", "image_id").to_pylist())
    assert {label.origin for each in labels.values() for label in each.values()} == {"source"}


def test_real_photos_are_a_measure(fill: Fill, prepare: Prepare) -> None:
    made = prepare(fill(40, source="shop"), REAL)
    assert made.calibration["view"].photos == 40
    assert made.calibration["view"].threshold is not None


def test_what_was_measured_on_rendered_photos_counts_no_more_once_there_are_real_ones(
    scene_catalog: Catalog, prepare: Prepare
) -> None:
    """A try-out model that is put to use on a demo would else label the real photos that come
    later, at thresholds of rendered ones."""
    made = prepare(scene_catalog)
    assert any(how.threshold is not None for how in made.calibration.values())
    later = prepare(scene_catalog, REAL, load=no_encoder)
    assert {how.threshold for how in later.calibration.values()} == {None}


def test_another_precision_gives_other_thresholds(scene_catalog: Catalog, prepare: Prepare) -> None:
    """Who sets MARQUE_LABEL_PRECISION expects labels to hold it from the next run on."""
    prepare(scene_catalog, LabelPolicy(0.6, real_only=False))
    strict = LabelPolicy(0.999, real_only=False)
    later = prepare(scene_catalog, strict, load=no_encoder)
    asked_for = prepare(scene_catalog, strict, again=True, load=no_encoder)
    assert later.calibration == asked_for.calibration


def test_old_statements_stay_and_labels_follow_the_version_in_use(
    fill: Fill, prepare: Prepare, seen: Seen
) -> None:
    catalog = fill(60, words=lambda labels: words_of(labels) if labels.view == "exterior" else {})
    unlabeled = [key for key, labels in zip(seen.ids, seen.labels, strict=True)
                  if labels.view != "exterior" and key in seen.ids[:60]]  # fmt: skip
    first = prepare(catalog)
    ask(catalog, first)
    was = current_labels(catalog, unlabeled)
    assert all("view" in each for each in was.values())
    count = catalog.count("assertions")
    strict = prepare(catalog, LabelPolicy(1.0, real_only=False), again=True, load=no_encoder)
    assert catalog.count("assertions") == count, "nothing was said with the new version yet"
    assert not any(current_labels(catalog, unlabeled).values())
    ask(catalog, strict)
    assert catalog.count("assertions") > count
    versions = {
        each.version for said in load_assertions(catalog, unlabeled).values() for each in said
    }
    assert versions == {first.version, strict.version}
    again = prepare(catalog, again=True, load=no_encoder)
    assert again == first
    assert current_labels(catalog, unlabeled) == was, "and back"


def test_a_network_that_is_out_of_use_leaves_what_was_before_it(
    fill: Fill, prepare: Prepare, seen: Seen
) -> None:
    catalog = fill(60, words=colors(40))
    ids = seen.ids[:60]
    before, version = current_labels(catalog, ids), labels_version(catalog)
    ask(catalog, prepare(catalog))
    assert current_labels(catalog, ids) != before
    retire_labeler(catalog, ZERO_SHOT, run_id="r")
    assert current_labels(catalog, ids) == before
    assert labels_version(catalog) == version
    assert set(refresh(catalog)) == set(ids)
    origins = set(catalog.column("cars", "view_origin").to_pylist())
    assert origins == {None}


def test_all_photos_are_asked_once(fill: Fill, prepare: Prepare) -> None:
    catalog = fill(40, words=no_words)
    made = prepare(catalog)
    assert len(unasked_images(catalog, SPACE, [made])) == 40
    ask(catalog, made)
    assert unasked_images(catalog, SPACE, [made]) == []
    fill(3, start=40, words=no_words)
    assert len(unasked_images(catalog, SPACE, [made])) == 3


def test_known_labels_are_those_of_sources_and_people(
    scene_catalog: Catalog, prepare: Prepare, seen: Seen, tiny_encoder: "ClipEncoder"
) -> None:
    version = tiny_encoder.record.version
    ask(scene_catalog, prepare(scene_catalog))

    def truth(attribute: str, *, real_only: bool = False) -> Truth:
        return load_truth(scene_catalog, attribute, SPACE, version, real_only=real_only)

    shown = dict(zip(seen.ids, seen.labels, strict=True))
    colors = truth("color")
    assert colors.image_ids == tuple(sorted(colors.image_ids))
    exteriors = [labels for labels in seen.labels[:60] if labels.view == "exterior"]
    assert colors.known == len(colors.image_ids) == len(exteriors)
    for key, values, view in zip(colors.image_ids, colors.values, colors.views, strict=True):
        assert values == (shown[key].color,)
        assert view == "exterior"
    people = truth("people")
    assert dict(zip(people.image_ids, people.values, strict=True)) == {
        key: shown[key].people for key in people.image_ids
    }
    assert () in people.values
    assert all(group.startswith("https://cars.example/") for group in people.groups)
    assert truth("color", real_only=True).image_ids == ()
    assert load_truth(scene_catalog, "color", SPACE, "other@1").known == 0


def test_views_of_known_labels_are_what_the_rows_show(
    fill: Fill, prepare: Prepare, tiny_encoder: "ClipEncoder"
) -> None:
    catalog = fill(20, words=colors(20))
    known = load_truth(catalog, "color", SPACE, tiny_encoder.record.version)
    assert (set(known.views), known.known_views) == ({None}, {})
    ask(catalog, prepare(catalog))
    assert set(catalog.column("cars", "view_origin").to_pylist()) == {"model"}
    known = load_truth(catalog, "color", SPACE, tiny_encoder.record.version)
    assert set(known.known_views) == set(known.image_ids)
    assert set(known.views) <= {"exterior", "detail"}


def test_of_very_many_known_labels_some_are_taken_evenly(
    scene_catalog: Catalog, monkeypatch: pytest.MonkeyPatch, tiny_encoder: "ClipEncoder"
) -> None:
    whole = load_truth(scene_catalog, "view", SPACE, tiny_encoder.record.version)
    monkeypatch.setattr("labeling.truth.MOST_KNOWN", 25)
    some = load_truth(scene_catalog, "view", SPACE, tiny_encoder.record.version)
    assert some.known == whole.known == 60
    assert some.image_ids == whole.image_ids[::3]
    assert some.values == whole.values[::3]
