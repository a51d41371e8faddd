"""The flow that trains a siamese network on known labels, as a new model of a space."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from catalog.car_columns import space_records
from core.errors import UsageMistakeError
from embeddings.registry import LITE_MODEL, TRAINED, ModelSpec, SpaceRecord, SpaceSpec
from embeddings.spaces import check_space_name, space_spec
from flows.recipe import recipe
from flows.reporting.charts import loss_png
from flows.reporting.progress import stage
from flows.reporting.report import RunReport
from flows.reporting.sections import rounded
from flows.reporting.sheets import show_sheet
from flows.resources import TRAINED_FOLDER, encoder_for
from flows.run import Run, recorded_run
from flows.stages.networks import ask_networks
from flows.stages.pipeline import fill_spaces, label_pending, publish_pending
from flows.stages.training_photos import TrainingPhotos, catalog_photos, folder_photos

if TYPE_CHECKING:
    from embeddings.training.loop import Epoch
    from embeddings.training.siamese import Trained
    from search.evaluation.metrics import Retrieval

FROZEN = {LITE_MODEL: "blocks.3"}
"""Model -> the layer up to which a training leaves it as it is, unless another is asked for."""

BATCH = 32
LEAST_CLASSES = 6
TEST_SHARE = 0.2
"""Of the classes: held out from all of the training, to say what came of it."""


class SiameseOptions(BaseModel):
    """What is trained, and from what.

    A class is a combination of known labels, `attributes`; or a sub-folder of `folder`. The network
    is that of the space `start`, left as it is up to the layer `frozen_through`, and the vectors of
    the trained one fill `space`.
    """

    model_config = ConfigDict(extra="forbid")

    attributes: list[str] = ["make", "model"]
    folder: str | None = None
    space: str = "siamese"
    start: str = "lite"
    frozen_through: str | None = None
    loss: Literal["proxy_anchor", "normalized_softmax", "triplet"] = "proxy_anchor"
    epochs: int = Field(5, ge=1, le=1000)
    seed: int = 0
    memory_mb: int = Field(4000, ge=100)


@recipe("train-siamese")
def train_siamese(options: SiameseOptions | None = None) -> RunReport:
    """Train an image network so that photos of one class come to lie near each other, and fill a
    space with it.

    A fifth of the classes takes no part, and says how well the space finds photos of cars that it
    has never seen, before and after. A training that was interrupted goes on.
    """
    asked = options or SiameseOptions()
    with recorded_run("train-siamese", asked.model_dump()) as run:
        check_space_name(asked.space)
        begin = _start(run, asked.start)
        label_pending(run)
        preparation = encoder_for(run.settings, begin).preparation
        photos = (
            catalog_photos(run, asked.attributes, preparation, asked.memory_mb)
            if asked.folder is None
            else folder_photos(run, Path(asked.folder), preparation, asked.memory_mb)
        )
        place = _train(run, begin, photos, asked)
        fill_spaces(run, [SpaceSpec(asked.space, ModelSpec(f"{TRAINED}{place}"))])
        ask_networks(run)
        publish_pending(run)
    return run.report


def _start(run: Run, name: str) -> SpaceSpec:
    """The space whose model the training begins with: one of the catalog, or a named one."""
    stored = space_records(run.catalog.table("cars").schema).get(name)
    space = space_spec(name) if stored is None else SpaceRecord.from_json(stored).space_spec
    if not space.model.is_vision:
        raise UsageMistakeError(
            f"a siamese network begins with an image network, and {name!r} is made by "
            f"{space.model.name}; use lite, or the name of a network such as resnet50"
        )
    return space


def _train(run: Run, begin: SpaceSpec, photos: TrainingPhotos, asked: SiameseOptions) -> Path:
    """Train, measure on the classes that took no part, and store; returns the folder."""
    from embeddings.training.card import load_start, store_trained
    from embeddings.training.siamese import ClassPhotos, SiameseSettings, train_siamese
    from embeddings.training.splits import split_classes

    settings = SiameseSettings(
        loss=asked.loss,
        frozen_through=asked.frozen_through or FROZEN.get(begin.model.name),
        epochs=asked.epochs,
        seed=asked.seed,
        most_mb=asked.memory_mb,
    )
    _check_classes(photos)
    split = split_classes(photos.classes, photos.groups, TEST_SHARE, settings.seed)
    taught, test = photos.take(split.training), photos.take(split.validation)
    network, origin = load_start(begin.model)
    folder = run.settings.home_path / TRAINED_FOLDER / photos.digest(begin.model, asdict(settings))
    with stage(run.report, "train", None) as step:

        def show(epoch: "Epoch") -> None:
            step.advance(epoch.photos)
            step.tell(f"epoch {epoch.number} of {settings.epochs}, recall {epoch.score:.3f}")

        trained = train_siamese(
            network,
            ClassPhotos(taught.pictures, taught.classes, taught.groups),
            settings,
            folder,
            show,
        )
    plain = encoder_for(run.settings, begin)
    parts = [test.pictures[at : at + BATCH] for at in range(0, len(test.pictures), BATCH)]
    before = np.concatenate([plain.encode_images(part) for part in parts])
    found = {
        begin.space: _measure(before, test, settings.seed),
        "trained": _measure(trained.embed(test.pictures), test, settings.seed),
    }
    store_trained(
        trained,
        folder,
        origin,
        data=photos.data,
        metrics={name: asdict(each) for name, each in found.items()},
    )
    _report(run, trained, found)
    return folder


def _check_classes(photos: TrainingPhotos) -> None:
    """Raise `UsageMistakeError` where the classes are too few to be split three ways."""
    groups: dict[str, set[int]] = {}
    for label, group in zip(photos.classes, photos.groups.tolist(), strict=True):
        groups.setdefault(label, set()).add(group)
    usable = sum(len(each) > 1 for each in groups.values())
    if usable < LEAST_CLASSES:
        raise UsageMistakeError(
            f"{usable} classes of {len(groups)} have photos of two cars or more, and a training "
            f"takes {LEAST_CLASSES}: two each to train on, to judge by and to test; add photos, or "
            "take attributes with more values"
        )


def _measure(vectors: npt.NDArray[np.float32], asked: TrainingPhotos, seed: int) -> "Retrieval":
    from search.evaluation.metrics import Photos, measure_retrieval

    groups = [str(each) for each in asked.groups]
    return measure_retrieval(Photos(vectors, asked.classes, groups), ks=(1,), seed=seed)


def _report(run: Run, trained: "Trained", found: dict[str, "Retrieval"]) -> None:
    """Put epochs, the comparison and the loss curve into the report."""
    run.report.epochs = [
        {
            "epoch": each.number,
            "loss": "" if each.number == 0 else rounded(each.loss),
            "recall@1, held-out classes": rounded(each.score),
            "searched by": each.chosen,
            "photos/s": "" if not each.seconds else round(each.photos / each.seconds, 1),
        }
        for each in trained.epochs
    ]
    run.report.retrieval = [
        {
            "vectors": name,
            "photos": each.questions,
            "recall@1": str(each.recall[1]),
            "MAP@R": str(each.map_at_r),
        }
        for name, each in found.items()
    ]
    losses = [each.loss for each in trained.epochs if each.number]
    scores = [each.score for each in trained.epochs]
    show_sheet(run, loss_png("Training of a siamese network", losses, scores), "loss curve")
