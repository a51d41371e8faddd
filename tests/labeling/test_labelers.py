import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from catalog.table import Catalog, open_catalog
from core.vocabulary import load_vocabulary
from labeling.labelers import (
    HEAD_PREFIX,
    Calibration,
    Labeler,
    LabelerThreshold,
    labels_version,
    load_labelers,
    load_thresholds,
    retire_labeler,
    retire_others,
    thresholds_of,
    use_labeler,
)


def labeler(
    name: str = "zero-shot",
    version: str = "m1+a",
    accuracies: dict[str, float | None] | None = None,
    *,
    threshold: float | None = 0.9,
    space_version: str = "m1",
) -> Labeler:
    calibration = {
        attribute: Calibration(2.5, threshold, 40, accuracy, 0.75)
        for attribute, accuracy in (accuracies or {"color": 0.8}).items()
    }
    return Labeler(name, version, space_version, False, calibration)


def use(catalog: Catalog, *labelers: Labeler) -> None:
    for each in labelers:
        use_labeler(catalog, each, run_id="r")


def in_use(catalog: Catalog) -> dict[str, str]:
    found = load_labelers(catalog)
    assert len({each.name for each in found}) == len(found)
    return {each.name: each.version for each in found}


def test_nobody_labels_at_first(catalog: Catalog) -> None:
    assert load_labelers(catalog) == []
    assert load_thresholds(catalog) == []
    assert labels_version(catalog) == catalog.vocabulary.version


def test_one_version_of_a_name_is_in_use(catalog: Catalog) -> None:
    use(catalog, labeler(version="1"), labeler("other", "1"), labeler(version="2"))
    assert in_use(catalog) == {"zero-shot": "2", "other": "1"}
    use(catalog, labeler(version="1"))
    assert in_use(catalog) == {"zero-shot": "1", "other": "1"}
    assert catalog.count("labelers") == 3, "an earlier version is kept"


def test_a_version_that_is_used_again_says_what_is_true_of_it_now(catalog: Catalog) -> None:
    use(catalog, labeler(threshold=0.9), labeler(threshold=None))
    assert [rule.threshold for rule in load_thresholds(catalog)] == [None]
    assert catalog.count("labelers") == 1


def test_one_commit_puts_a_version_in_place_of_another(catalog: Catalog) -> None:
    """At no moment would a reader find two versions in use, or none."""
    use(catalog, labeler(version="1"))
    before = catalog.versions()["labelers"]
    use(catalog, labeler(version="2"))
    assert catalog.versions()["labelers"] == before + 1


@pytest.fixture
def torn(catalog: Catalog) -> Catalog:
    """Two runs put another version to use at the same moment, that of "2" a little later."""
    use(catalog, labeler(version="1"), labeler(version="2"))
    kind = catalog.specs["labelers"].schema.field("changed_at").type
    marks = {
        "labeler_id": pa.array([labeler(version="1").labeler_id]),
        "in_use": pa.array([True]),
        "changed_at": pa.array([datetime.now(UTC) - timedelta(seconds=5)], kind),
    }
    catalog.update("labelers", pa.table(marks))
    assert catalog.count("labelers", "in_use") == 2
    return catalog


def test_of_two_versions_that_came_to_use_at_once_the_later_counts(torn: Catalog) -> None:
    assert in_use(torn) == {"zero-shot": "2"}
    assert [rule.version for rule in load_thresholds(torn)] == ["2"]


def test_neither_of_two_versions_that_came_to_use_at_once_outlives_another(torn: Catalog) -> None:
    use(torn, labeler(version="3"))
    assert in_use(torn) == {"zero-shot": "3"}
    retire_labeler(torn, "zero-shot", run_id="r")
    assert in_use(torn) == {}


def test_both_of_two_versions_that_came_to_use_at_once_are_retired(torn: Catalog) -> None:
    assert retire_others(torn, "m2", run_id="r") == ["zero-shot"]
    assert in_use(torn) == {}


def test_a_record_comes_back_as_it_was_stored(catalog: Catalog) -> None:
    whole = Labeler(
        "head größe",
        "m1+ü",
        "",
        True,
        {
            "color": Calibration(0.5, 0.875, 40, 0.91, 0.5),
            "view": Calibration(1.0, None),
        },
        {"asked": "abc", "known color": 40, "chance": 1e-9, "none": None},
        bytes(range(256)),
    )
    use(catalog, whole)
    [found] = load_labelers(catalog, weights=True)
    assert found == whole
    assert found.facts == whole.facts
    assert found.weights == whole.weights


def test_weights_are_read_only_when_they_are_asked_for(catalog: Catalog) -> None:
    use(catalog, replace(labeler(), weights=b"many"), labeler("other"))
    assert {each.name: each.weights for each in load_labelers(catalog)} == {
        "zero-shot": None,
        "other": None,
    }
    assert {each.name: each.weights for each in load_labelers(catalog, weights=True)} == {
        "zero-shot": b"many",
        "other": None,
    }


def test_a_retired_labeler_keeps_its_weights_for_later(catalog: Catalog) -> None:
    heavy = replace(labeler(version="1"), weights=b"many")
    use(catalog, heavy, labeler(version="2"))
    rows = catalog.rows("labelers", [heavy.labeler_id], ["in_use", "weights"]).to_pylist()
    assert rows == [{"in_use": False, "weights": b"many"}]


def test_a_labeler_can_be_retired(catalog: Catalog) -> None:
    use(catalog, labeler(), labeler("other"))
    retire_labeler(catalog, "zero-shot", run_id="r")
    assert in_use(catalog) == {"other": "m1+a"}
    retire_labeler(catalog, "zero-shot", run_id="r")
    retire_labeler(catalog, "nobody", run_id="r")
    assert in_use(catalog) == {"other": "m1+a"}
    use(catalog, labeler())
    assert in_use(catalog) == {"other": "m1+a", "zero-shot": "m1+a"}


def test_retiring_nobody_writes_nothing(catalog: Catalog) -> None:
    use(catalog, labeler())
    before = catalog.versions()["labelers"]
    retire_labeler(catalog, "nobody", run_id="r")
    assert retire_others(catalog, "m1", run_id="r") == []
    assert catalog.versions()["labelers"] == before


def test_those_of_another_model_are_retired_and_those_of_none_are_not(catalog: Catalog) -> None:
    use(
        catalog,
        labeler(),
        labeler("head color", space_version="m0"),
        labeler("head view", space_version="m0"),
        labeler("colour", space_version=""),
    )
    assert retire_others(catalog, "m1", run_id="r") == ["head color", "head view"]
    assert set(in_use(catalog)) == {"zero-shot", "colour"}
    assert retire_others(catalog, "m2", run_id="r") == ["zero-shot"]


def test_heads_are_heard_first_and_then_who_is_more_often_right() -> None:
    labelers = [
        labeler("zero-shot", accuracies={"color": 0.7, "view": 0.99, "people": None}),
        labeler("colour", accuracies={"color": 0.8}),
        labeler(f"{HEAD_PREFIX}color", accuracies={"color": 0.1}),
        labeler("unmeasured", accuracies={"color": None, "view": None}),
    ]
    for order in (labelers, labelers[::-1]):
        thresholds = thresholds_of(order)
        assert [rule.by for rule in thresholds if rule.attribute == "color"] == [
            "head color", "colour", "zero-shot", "unmeasured"
        ]  # fmt: skip
        assert [rule.by for rule in thresholds if rule.attribute == "view"] == [
            "zero-shot", "unmeasured"
        ]  # fmt: skip
    assert thresholds_of(labelers) == thresholds_of(labelers[::-1])


def test_a_judge_weighs_as_its_labeler_was_calibrated() -> None:
    made = replace(labeler(accuracies={"color": 0.8}, threshold=0.85), is_tryout=True)
    assert thresholds_of([made]) == [LabelerThreshold("color", "zero-shot", "m1+a", 0.85, True)]
    assert thresholds_of([]) == []


def test_labels_are_made_anew_when_what_is_weighed_changes(catalog: Catalog) -> None:
    versions = [labels_version(catalog)]
    for each in (
        labeler(version="1"),
        labeler(version="1", threshold=0.95),
        labeler(version="1", threshold=None),
        labeler(version="2"),
        replace(labeler(version="2"), is_tryout=True),
        labeler("other"),
    ):
        use(catalog, each)
        versions.append(labels_version(catalog))
    assert len(set(versions)) == len(versions)
    assert all(each.startswith(catalog.vocabulary.version) for each in versions)


def test_labels_are_not_made_anew_for_what_weighs_nothing(catalog: Catalog) -> None:
    use(catalog, labeler(version="1"))
    before = labels_version(catalog)
    use(catalog, labeler("other"))
    retire_labeler(catalog, "other", run_id="r")
    use(catalog, labeler(version="2"), labeler(version="1"))
    assert labels_version(catalog) == before
    told = replace(labeler(version="1"), facts={"known color": 99}, weights=b"other ones")
    use(catalog, told)
    assert labels_version(catalog) == before


def test_labels_are_made_anew_when_other_views_make_sense(tmp_path: Path) -> None:
    """With other views the same statements of networks give other labels."""
    path = tmp_path / "mine.toml"
    path.write_text('[attributes.body_type]\nviews = ["detail"]')
    versions = []
    for vocabulary in (load_vocabulary(), load_vocabulary(path)):
        catalog = open_catalog(tmp_path / "catalog", vocabulary=vocabulary)
        use(catalog, labeler(accuracies={"body_type": 0.9}))
        versions.append(labels_version(catalog))
    assert versions[0] != versions[1]


@pytest.mark.parametrize("name", ["zero-shot", "it's", 'a "b"', "ünï"])
def test_any_name_can_be_used_and_retired(catalog: Catalog, name: str) -> None:
    use(catalog, labeler(name, "it's"))
    assert in_use(catalog) == {name: "it's"}
    retire_labeler(catalog, name, run_id="r")
    assert in_use(catalog) == {}


def test_the_stored_record_can_be_read_by_others(catalog: Catalog) -> None:
    use(catalog, labeler())
    [row] = catalog.table("labelers").to_arrow().to_pylist()
    assert (row["name"], row["version"], row["in_use"], row["run_id"]) == (
        "zero-shot", "m1+a", True, "r",
    )  # fmt: skip
    assert json.loads(row["record"])["calibration"]["color"]["threshold"] == 0.9
