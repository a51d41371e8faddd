"""Heads of a catalog of scenes: trained on what a source says, used where they are better."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from catalog.car_columns import add_label_columns, open_space
from catalog.table import Catalog, open_catalog
from core.errors import UsageMistakeError
from core.vocabulary import load_vocabulary
from embeddings.registry import SPACE, SpaceRecord
from labeling.heads import SIGNIFICANCE, Trial
from labeling.label import current_labels
from labeling.labelers import (
    Calibration,
    Labeler,
    load_labelers,
    retire_others,
    use_labeler,
)
from labeling.networks import ask_photos, load_vector_labelers
from labeling.pending import unasked_images
from labeling.prepare import LabelPolicy, prepare_zero_shot
from labeling.publish.cars import Vectors, replace_vectors
from labeling.training import train_heads, trainable
from labeling.truth import known_views, load_vectors
from synthetic.scenes import SceneLabels
from tests.labeling.scening import Seen, add_scenes, refresh

if TYPE_CHECKING:
    from embeddings.clip import ClipEncoder

LABELS = LabelPolicy(precision=0.9, real_only=False)
TOLD = 255
WARM = {"red", "orange", "yellow", "brown", "beige", "gold", "bronze", "pink"}
WORDS = """
[attributes.mood]
kind = "closed"
views = ["exterior"]
words = {warm = [], cold = []}
"""


def told(labels: SceneLabels) -> dict[str, str]:
    """What the shop says: its own word for warm and cold paints, and the color."""
    if labels.view != "exterior":
        return {}
    return {"mood": "warm" if labels.color in WARM else "cold", "color": str(labels.color)}


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory, seen: Seen, tiny_encoder: "ClipEncoder"
) -> Path:
    """A catalog whose source says nothing of its last photos."""
    home = tmp_path_factory.mktemp("training")
    (home / "mine.toml").write_text(WORDS)
    catalog = open_catalog(home / "catalog", vocabulary=load_vocabulary(home / "mine.toml"))
    add_scenes(catalog, seen.take(TOLD), tiny_encoder.record, told, source="shop")
    rest = seen.take(len(seen.ids) - TOLD, TOLD)
    add_scenes(catalog, rest, tiny_encoder.record, lambda _: {}, source="shop")
    prepare_zero_shot(catalog, tiny_encoder.record, lambda: tiny_encoder, LABELS, run_id="r")
    return home


@pytest.fixture
def catalog(folder: Path, tmp_path: Path) -> Catalog:
    shutil.copytree(folder / "catalog", tmp_path / "catalog")
    return open_catalog(tmp_path / "catalog", vocabulary=load_vocabulary(folder / "mine.toml"))


@pytest.fixture(scope="module")
def record(tiny_encoder: "ClipEncoder") -> SpaceRecord:
    return tiny_encoder.record


def train(catalog: Catalog, record: SpaceRecord, *attributes: str) -> dict[str, Trial]:
    found = train_heads(catalog, record, [record], attributes, LABELS, run_id="r")
    return {trial.attribute: trial for trial in found}


def heads(catalog: Catalog) -> dict[str, str]:
    return {e.name: e.version for e in load_labelers(catalog) if e.name.startswith("head ")}


def test_a_head_for_what_zero_shot_cannot_know_is_used(
    catalog: Catalog, record: SpaceRecord, seen: Seen
) -> None:
    trials = train(catalog, record, "mood", "color")
    assert trials["mood"].kept
    assert (trials["mood"].accuracy or 0) > 0.85 > (trials["mood"].zero_shot or 1)
    assert not trials["color"].kept, "marque-tiny knows colors, and a few photos teach it none"
    assert [*heads(catalog)] == ["head mood"]
    panel = load_vector_labelers(catalog, record.version)
    assert [labeler.name for labeler, _ in panel.members] == ["head mood", "zero-shot"]
    waiting = unasked_images(catalog, SPACE, [labeler for labeler, _ in panel.members])
    ids, vectors = load_vectors(catalog, SPACE, waiting)
    ask_photos(catalog, panel, ids, vectors, known_views(catalog, ids), run_id="r")
    rest = [
        (key, labels)
        for key, labels in zip(seen.ids[TOLD:], seen.labels[TOLD:], strict=True)
        if labels.view == "exterior"
    ]
    moods = current_labels(catalog, [key for key, _ in rest])
    found = [
        (moods[key]["mood"].values[0], told(labels)["mood"])
        for key, labels in rest
        if "mood" in moods[key]
    ]
    assert len(found) > len(rest) / 2
    assert sum(a == b for a, b in found) > 0.85 * len(found)


def test_training_again_on_the_same_labels_gives_the_same_head(
    catalog: Catalog, record: SpaceRecord
) -> None:
    train(catalog, record, "mood")
    before = heads(catalog)
    assert train(catalog, record, "mood")["mood"].kept
    assert heads(catalog) == before


def test_rows_that_moved_are_the_same_labels(catalog: Catalog, record: SpaceRecord) -> None:
    """A refresh moves rows of `cars`; a head of another version would ask every photo anew."""
    train(catalog, record, "mood")
    before = heads(catalog)
    ids = catalog.column("cars", "image_id").to_pylist()
    moved = catalog.rows("cars", ids[:7], ["image_id", "evidence"])
    catalog.update("cars", moved)
    assert catalog.column("cars", "image_id").to_pylist() != ids
    train(catalog, record, "mood")
    assert heads(catalog) == before


def test_a_head_that_is_no_longer_better_is_retired(catalog: Catalog, record: SpaceRecord) -> None:
    old = Labeler("head color", "1", record.version, True, {"color": Calibration(1.0, 0.9)})
    use_labeler(catalog, old, run_id="r")
    trial = train(catalog, record, "color")["color"]
    assert (trial.chance or 0) > SIGNIFICANCE
    assert heads(catalog) == {}


def test_a_head_stays_where_there_is_too_little_to_train_another(
    catalog: Catalog, record: SpaceRecord
) -> None:
    old = Labeler("head people", "1", record.version, True, {"people": Calibration(1.0, 0.9)})
    use_labeler(catalog, old, run_id="r")
    trial = train(catalog, record, "people")["people"]
    assert (trial.photos, trial.labeler) == (0, None)
    assert trial.why.startswith("too few labels")
    assert heads(catalog) == {"head people": "1"}


def test_without_zero_shot_the_rival_is_the_commonest_value(
    catalog: Catalog, record: SpaceRecord
) -> None:
    for each in load_labelers(catalog, weights=True):
        use_labeler(catalog, replace(each, space_version="other@1"), run_id="r")
    trial = train(catalog, record, "color")["color"]
    assert trial.kept
    assert (trial.zero_shot or 1) < 0.4


def test_every_attribute_but_numbers_can_be_trained(catalog: Catalog) -> None:
    assert trainable(catalog) == [
        name for name, each in catalog.vocabulary.attributes.items() if each.kind != "number"
    ]
    assert "mood" in trainable(catalog)
    assert trainable(catalog, ["color", "mood"]) == ["color", "mood"]


@pytest.mark.parametrize("name", ["model_year", "colour"])
def test_what_cannot_be_trained_is_a_mistake(catalog: Catalog, name: str) -> None:
    with pytest.raises(UsageMistakeError, match=f"trained for '{name}'; use one of make, model"):
        trainable(catalog, ["color", name])


def test_all_attributes_can_be_tried_at_once(catalog: Catalog, record: SpaceRecord) -> None:
    add_label_columns(catalog)
    trials = train(catalog, record, *trainable(catalog))
    assert list(trials) == trainable(catalog)
    assert {name for name, trial in trials.items() if trial.kept} == {"mood"}
    assert refresh(catalog), "other networks label, so every row is due"


def test_the_space_is_taken_in_which_a_head_is_right_most_often(
    catalog: Catalog, record: SpaceRecord, seen: Seen
) -> None:
    """One space knows the mood of a photo, and nothing else; another knows nothing."""
    mood = {"told": [1.0, 0.2], "not": [0.2, 1.0]}
    draw = np.random.default_rng(2)
    spaces = []
    for name, knows in (("blind", False), ("moody", True)):
        made = replace(record, space=name, size=2, version=f"{name}@1")
        open_space(catalog, name, 2, made.to_json())
        rows = [
            mood["told" if labels.color in WARM else "not"] if knows else [1.0, 1.0]
            for labels in seen.labels
        ]
        vectors = np.array(rows, np.float32) + draw.normal(0, 0.01, (len(rows), 2))
        units = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        replace_vectors(catalog, Vectors(name, made.version, seen.ids, units))
        spaces.append(made)
    (trial,) = train_heads(catalog, record, [record, *spaces], ["mood"], LABELS, run_id="r")
    assert trial.space == "moody"
    assert trial.kept
    (used,) = [each for each in load_labelers(catalog) if each.name == "head mood"]
    assert used.space_version == "moody@1"
    assert retire_others(catalog, record.version, "moody@1", run_id="r") == []
    assert retire_others(catalog, record.version, run_id="r") == ["head mood"]
