"""Embedding spaces and the models that fill them, as records; no torch here."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from core.errors import MarqueError

TINY = "marque-tiny"
TRYOUT = (
    f"{TINY} is for trying out: it was trained on rendered scenes and does not understand real "
    "photos; set MARQUE_SEMANTIC_MODEL to a real model and run `marque embed`"
)
HUB, LOCAL = "hf-hub:", "local-dir:"
TIMM, TORCHVISION, PACKAGE, TRAINED = "timm:", "torchvision:", "package:", "trained:"
VISION = (TIMM, TORCHVISION, PACKAGE, TRAINED)
"""How the names of image networks begin: of timm, of torchvision, of a Python package, and of a
folder with a network that was trained here."""
DEFAULT_MODEL = "ViT-B-32-256/datacomp_s34b_b86k"
LITE_MODEL = f"{PACKAGE}efficientnet-lite0"
CHOICES = {
    "fast": DEFAULT_MODEL,
    "balanced": "ViT-B-16-SigLIP2-256/webli",
    "best": "ViT-L-16-SigLIP2-256/webli",
    "lite": LITE_MODEL,
}
"""Short names of models: three of open_clip, and the network of a package, which reads no text."""

LICENSES = {
    TINY: "Apache-2.0",
    DEFAULT_MODEL: "MIT",
    CHOICES["balanced"]: "Apache-2.0",
    CHOICES["best"]: "Apache-2.0",
    LITE_MODEL: "Apache-2.0",
    f"{PACKAGE}efficientnet-lite2": "Apache-2.0",
}
"""Licenses of weights that a person has read; for others the hub's page is asked."""

PUBLISHED = {
    DEFAULT_MODEL: "zero-shot: ImageNet 0.728, Stanford Cars 0.899 (open_clip's results)",
    CHOICES["balanced"]: "zero-shot: ImageNet 0.791 (SigLIP 2, Tschannen et al. 2025)",
    CHOICES["best"]: "zero-shot: ImageNet 0.825 (SigLIP 2, Tschannen et al. 2025)",
    LITE_MODEL: "trained on ImageNet: 0.751 (EfficientNet-Lite's authors)",
    f"{PACKAGE}efficientnet-lite2": "trained on ImageNet: 0.776 (EfficientNet-Lite's authors)",
}
"""Accuracies (top 1) that others have published for these weights, with their source."""


class ModelError(MarqueError):
    """A model cannot be named, found or loaded; the message says what to do."""


SPACE = "semantic"
"""The space that every photo is in: a vector column of `cars` that a model of open_clip fills."""

Metric = Literal["cosine", "l2", "l1"]
METRIC: Metric = "cosine"
"""How vectors are compared: those of `cosine` have length 1."""

Pooling = Literal["mean", "max", "both"]
"""How a map of features becomes a vector: the mean or the maximum over all places of the picture,
or both, joined."""


def filling(space: str) -> str:
    """The command that fills a space, for messages."""
    return "`marque embed`" if space == SPACE else f"`marque embed --space {space}`"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Which model to load, and from where.

    `name` is one of `ARCHITECTURE/TAG` (weights from the hub, or its cached copy),
    `ARCHITECTURE` with a `weights` file, `hf-hub:ORG/REPO`, `local-dir:PATH`, or `marque-tiny`,
    all of open_clip; or an image network: `timm:NAME`, `torchvision:NAME`, `package:NAME`, or
    `trained:PATH`, a folder that a training has written.
    With both a tag and a `weights` file, the file is used and the tag says how photos are
    preprocessed for it.
    """

    name: str
    weights: str | None = None

    @property
    def is_vision(self) -> bool:
        """Whether it is an image network of timm or torchvision, which reads no text."""
        return self.name.startswith(VISION)

    @property
    def architecture(self) -> str:
        """The name to give to open_clip."""
        return self.name if ":" in self.name else self.name.partition("/")[0]

    @property
    def tag(self) -> str | None:
        """The pretrained tag, if the name has one."""
        return None if ":" in self.name else self.name.partition("/")[2] or None

    @property
    def short_name(self) -> str:
        """The name without the place of its folder: a folder that moved is the same model."""
        return Path(self.name).name if self.name.startswith((LOCAL, TRAINED)) else self.name

    @property
    def file_name(self) -> str:
        """The name of a file of the home folder that is about this model."""
        key = json.dumps([self.name, self.weights])
        return f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"

    @property
    def is_there(self) -> bool:
        """Whether the file or folder that it names, if it names one, is on this machine."""
        for begin in (LOCAL, TRAINED):
            if self.name.startswith(begin):
                return Path(self.name.removeprefix(begin)).is_dir()
        return self.weights is None or Path(self.weights).is_file()


@dataclass(frozen=True, slots=True)
class SpaceSpec:
    """A space to be filled: the model, and what of it becomes the vector.

    `layers` (by the names of torch's `named_modules`; none is the last before the classifier) and
    `pooling` are of image networks; models of open_clip have a vector of their own.
    """

    space: str
    model: ModelSpec
    layers: tuple[str, ...] = ()
    pooling: Pooling = "mean"
    metric: Metric = METRIC


@dataclass(frozen=True, slots=True)
class SpaceRecord:
    """The model that made the vectors of a column; stored with the column as JSON.

    `weights_sha256` is over the loaded tensors, so the same weights have the same hash whatever
    file they came in. `version` names model, weights, preprocessing and layers together: vectors of
    two versions are never compared. `layers` and `pooling` are as in `SpaceSpec`.
    """

    space: str
    model: str
    weights: str | None
    weights_sha256: str
    preprocess: dict[str, Any] = field(hash=False)
    size: int
    metric: Metric
    version: str
    layers: tuple[str, ...] = ()
    pooling: Pooling = "mean"

    def to_json(self) -> bytes:
        """The record as JSON, the same bytes for the same record."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @staticmethod
    def from_json(data: bytes) -> "SpaceRecord":
        """The record that `to_json` wrote."""
        stored = json.loads(data)
        return SpaceRecord(**stored | {"layers": tuple(stored.get("layers", ()))})

    @property
    def spec(self) -> ModelSpec:
        """The model to load to embed a question into the same space."""
        return ModelSpec(self.model, self.weights)

    @property
    def space_spec(self) -> SpaceSpec:
        """The space to load to embed a question or new photos into it."""
        return SpaceSpec(self.space, self.spec, self.layers, self.pooling, self.metric)

    @property
    def reads_text(self) -> bool:
        """Whether a text has a vector in this space too."""
        return not self.spec.is_vision

    @property
    def is_tryout(self) -> bool:
        """Whether the model is the project's own small one, trained on rendered scenes."""
        return self.model == TINY


def model_spec(name: str, weights: Path | None = None) -> ModelSpec:
    """Check a model's name as a user gives it, also one of `CHOICES`; raises `ModelError`."""
    if not name.strip():
        raise ModelError(
            f"the model's name is empty; give one such as {DEFAULT_MODEL!r}, 'local-dir:PATH' "
            f"or {TINY!r}"
        )
    name = CHOICES.get(name.strip(), name.strip())
    if weights is not None and name.startswith((HUB, LOCAL, TRAINED)):
        raise ModelError(
            f"{name!r} brings its own weights, so the weights file {str(weights)!r} would not be "
            "used; leave one of the two out"
        )
    if weights is not None and not weights.expanduser().is_file():
        raise ModelError(f"there is no weights file {str(weights)!r}; check the path")
    for begin in (LOCAL, TRAINED):
        if name.startswith(begin):
            folder = Path(name.removeprefix(begin)).expanduser()
            if not folder.is_dir():
                raise ModelError(f"there is no folder {str(folder)!r}; check the path")
            name = f"{begin}{folder.resolve()}"
    return ModelSpec(name, None if weights is None else str(weights.expanduser().resolve()))
