"""Labelers in use: which version of each network counts, and its thresholds of confidence.

A statement says who made it, not how far to trust it; that is stored here, so that it can change
and no statement must be written again.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import pyarrow as pa

from catalog.sql import among
from catalog.table import Catalog

HEAD_PREFIX = "head "
"""How the names of trained heads begin; the attribute follows."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How one labeler's scores about one attribute become probabilities, and these labels.

    Scores are divided by `temperature`. A statement can be a label if its confidence is at least
    `threshold`; none can if that is None. It was fitted on `photos` photos with known labels: the
    share `accuracy` of the answers was right, and the share `coverage` passed. Without photos it
    was not fitted, and these are None.
    """

    temperature: float
    threshold: float | None
    photos: int = 0
    accuracy: float | None = None
    coverage: float | None = None


@dataclass(frozen=True, slots=True)
class Labeler:
    """One version of a model or rule that labels photos.

    `space_version` names the model whose vectors it reads, "" if it looks at pictures. A try-out
    labeler never contradicts a source. `weights` are its parameters (safetensors), if they are
    stored with it; `facts` are for people.
    """

    name: str
    version: str
    space_version: str
    is_tryout: bool
    calibration: dict[str, Calibration] = field(hash=False)
    facts: dict[str, str | int | float | None] = field(default_factory=dict, hash=False)
    weights: bytes | None = field(default=None, repr=False)

    @property
    def labeler_id(self) -> str:
        """The key of its row: sha256, hex."""
        return hashlib.sha256(f"{self.name}\x1f{self.version}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class LabelerThreshold:
    """The least confidence of one labeler for a label of one attribute: see `Calibration`."""

    attribute: str
    by: str
    version: str
    threshold: float | None
    is_tryout: bool = False


def thresholds_of(labelers: Iterable[Labeler]) -> list[LabelerThreshold]:
    """The thresholds of these labelers, the most trusted first.

    A trained head is only kept if it was better than the rest; the others are ranked by their
    accuracy on the photos that they were calibrated on.
    """
    ranked = sorted(
        (
            (
                not each.name.startswith(HEAD_PREFIX),
                -(how.accuracy or 0.0),
                each.name,
                attribute,
                each,
            )
            for each in labelers
            for attribute, how in each.calibration.items()
        ),
        key=lambda rank: rank[:4],
    )
    return [
        LabelerThreshold(
            attribute,
            labeler.name,
            labeler.version,
            labeler.calibration[attribute].threshold,
            labeler.is_tryout,
        )
        for *_, attribute, labeler in ranked
    ]


def by_trust(labelers: Iterable[Labeler]) -> list[Labeler]:
    """The same labelers, the most trusted first."""
    every = list(labelers)
    trust = list(dict.fromkeys(rule.by for rule in thresholds_of(every)))
    return sorted(
        every, key=lambda each: trust.index(each.name) if each.name in trust else len(trust)
    )


def load_labelers(catalog: Catalog, *, weights: bool = False) -> list[Labeler]:
    """The labelers in use, by name; their weights only if asked for.

    Two runs that change the version of one name at the same moment leave both in use. Then the
    later one counts, until another version replaces both.
    """
    last = {each.name: each for each in _in_use(catalog, weights=weights)}
    return [last[name] for name in sorted(last)]


def _in_use(catalog: Catalog, *, weights: bool) -> list[Labeler]:
    """Every row that is in use, the latest of a name last."""
    columns = ["name", "version", "record", "changed_at", *(["weights"] if weights else [])]
    batches = catalog.read("labelers", columns, "in_use")
    rows = [row for batch in batches for row in batch.to_pylist()]
    rows.sort(key=lambda row: (row["changed_at"], row["version"]))
    found = []
    for row in rows:
        record = json.loads(row["record"])
        record["calibration"] = {
            name: Calibration(**how) for name, how in record["calibration"].items()
        }
        found.append(Labeler(row["name"], row["version"], weights=row.get("weights"), **record))
    return found


def load_thresholds(catalog: Catalog) -> list[LabelerThreshold]:
    """The thresholds of the labelers in use, the most trusted first."""
    return thresholds_of(load_labelers(catalog))


def counted_where(thresholds: Iterable[LabelerThreshold]) -> str:
    """The condition on `assertions` for statements that can count.

    They are made by people, by sources or by these versions of networks; a catalog keeps the
    statements of older versions for a while.
    """
    versions = {rule.version for rule in thresholds}
    others = "`origin` != 'model'"
    return f"{others} OR {among('version', sorted(versions))}" if versions else others


def use_labeler(catalog: Catalog, labeler: Labeler, *, run_id: str) -> None:
    """Use this version of a labeler, in place of others of its name."""
    others = [each for each in _in_use(catalog, weights=True) if each.name == labeler.name]
    _store(catalog, [labeler], [each for each in others if each.version != labeler.version], run_id)


def retire_labeler(catalog: Catalog, name: str, *, run_id: str) -> None:
    """Retire a labeler: its statements stay and no longer count."""
    others = [each for each in _in_use(catalog, weights=True) if each.name == name]
    _store(catalog, [], others, run_id)


def retire_others(catalog: Catalog, *space_versions: str, run_id: str) -> list[str]:
    """Retire those that read vectors of other models than these; returns their names."""
    used = _in_use(catalog, weights=True)
    others = [each for each in used if each.space_version not in ("", *space_versions)]
    _store(catalog, [], others, run_id)
    return sorted({each.name for each in others})


def labels_version(catalog: Catalog) -> str:
    """The version of the vocabulary and, where networks label, of their thresholds and questions.

    With another version the same statements can give other labels.
    """
    thresholds = [list(asdict(each).values()) for each in load_thresholds(catalog)]
    if not thresholds:
        return catalog.vocabulary.version
    views = {name: asked.views for name, asked in sorted(catalog.vocabulary.questions.items())}
    digest = hashlib.sha256(json.dumps([thresholds, views]).encode()).hexdigest()[:12]
    return f"{catalog.vocabulary.version}+{digest}"


def _store(
    catalog: Catalog, used: Sequence[Labeler], retired: Sequence[Labeler], run_id: str
) -> None:
    now = datetime.now(UTC)
    rows = [
        {
            "labeler_id": each.labeler_id,
            "name": each.name,
            "version": each.version,
            "in_use": in_use,
            "record": json.dumps(
                {
                    "space_version": each.space_version,
                    "is_tryout": each.is_tryout,
                    "calibration": {name: asdict(how) for name, how in each.calibration.items()},
                    "facts": each.facts,
                }
            ),
            "weights": each.weights,
            "run_id": run_id,
            "changed_at": now,
        }
        for in_use, some in ((True, used), (False, retired))
        for each in some
    ]
    # In one commit, so that there is always a labeler in use.
    catalog.upsert("labelers", pa.Table.from_pylist(rows, catalog.specs["labelers"].schema))
