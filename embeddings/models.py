"""The models that can be used, and fetching them.

Importing this module imports open_clip and torch, which takes seconds.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from huggingface_hub import HfApi, constants
from huggingface_hub.errors import HFValidationError

from embeddings.hashes import file_sha256
from embeddings.openclip import open_clip
from embeddings.pins import Pin, load_pin, load_pins, store_pin
from embeddings.published import doubt_of
from embeddings.registry import DEFAULT_MODEL, HUB, LICENSES, TINY, ModelError, ModelSpec
from embeddings.verify import missing, sums_of, verify_model
from embeddings.weights import WeightsFile, fetch_weights, find_weights, hub_place

CARD_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Listed:
    """A model in the list: `place`, `path` and `size` (bytes) are None if it is not here."""

    spec: ModelSpec
    place: str | None
    path: Path | None
    size: int | None
    license: str | None
    pinned: str | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A model that is here, whole, and loads; `version` is what its vectors will be marked with.

    `doubt` is what a person has to decide about it, or None.
    """

    pin: Pin
    path: Path
    version: str
    weights_sha256: str
    downloaded: bool
    doubt: str | None = None


def list_models(
    home: Path, named: Iterable[ModelSpec] = (), *, every: bool = False
) -> list[Listed]:
    """The models that this machine has, the default one, and those that are `named`.

    With `every`, all that open_clip knows.
    """
    specs = [ModelSpec(TINY), ModelSpec(DEFAULT_MODEL), *named]
    specs += [ModelSpec(pin.model, pin.weights) for pin in load_pins(home)]
    tags = [ModelSpec(f"{model}/{tag}") for model, tag in open_clip.list_pretrained()]
    cached = [spec for spec in tags if find_weights(spec) is not None]
    known = {hub_place(spec)[0] for spec in cached}
    cached += [spec for spec in _cached_repos() if hub_place(spec)[0] not in known]
    listed = dict.fromkeys([*specs, *cached, *(tags if every else ())])
    return [_listed(home, spec) for spec in listed]


def fetch_model(spec: ModelSpec, home: Path) -> Fetched:
    """Bring a model's weights here, prove that they are whole and load, and pin them.

    The first fetch pins; a later one is held to that pin. Raises `ModelError`.
    """
    from embeddings.clip import load_encoder

    before = find_weights(spec)
    fetch_weights(spec)
    if (found := find_weights(spec)) is None:
        raise ModelError(missing(spec))
    wrong = [each for each in verify_model(spec, home) if each.state == "problem"]
    if wrong:
        raise ModelError(f"{wrong[0].path}: {wrong[0].found}; {wrong[0].advice}")
    record = load_encoder(spec, "cpu").record
    pin = load_pin(home, spec)
    if pin is None:
        pin = _pin(spec, found)
        if found.place != "project":  # Marque's own file states it, and comes with each release
            store_pin(home, pin)
    new, digest = before is None, record.weights_sha256
    return Fetched(pin, found.path, record.version, digest, new, doubt_of(spec))


def _listed(home: Path, spec: ModelSpec) -> Listed:
    found, pin = None, None
    with suppress(ModelError, ValueError):  # said by whoever fetches or verifies this model
        pin = load_pin(home, spec)
        found = find_weights(spec)
    known = LICENSES.get(spec.name) if spec.weights is None else None
    return Listed(
        spec,
        found.place if found else None,
        found.path if found else None,
        found.path.stat().st_size if found else None,
        known or (pin.license if pin else None),
        pin.sha256 if pin else _of_project(found),
    )


def _of_project(found: WeightsFile | None) -> str | None:
    return sums_of(found).get(found.path.name) if found and found.place == "project" else None


def _cached_repos() -> list[ModelSpec]:
    """Models of the hub's cache by their repository: those that have a config of open_clip's."""
    specs = []
    for folder in sorted(Path(constants.HF_HUB_CACHE).glob("models--*")):
        spec = ModelSpec(HUB + folder.name.removeprefix("models--").replace("--", "/"))
        try:
            if find_weights(spec) is not None:
                specs.append(spec)
        except HFValidationError:
            continue  # a folder of somebody else's
    return specs


def _pin(spec: ModelSpec, found: WeightsFile) -> Pin:
    sha256 = file_sha256(found.path)
    blob = found.path.resolve()
    if found.repo is None:
        origin = {"project": "Marque", "folder": spec.name}.get(found.place, str(found.path))
    else:
        origin = f"{constants.ENDPOINT}/{found.repo}"
    return Pin(
        model=spec.name,
        weights=spec.weights,
        file=found.path.name,
        size=blob.stat().st_size,
        sha256=sha256,
        origin=origin,
        commit=found.commit,
        license=LICENSES.get(spec.name) or _fetch_license(found.repo),
        pinned_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _fetch_license(repo: str | None) -> str | None:
    """What the model's page says, if there is one that answers: it is good to know, no more."""
    if repo is None:
        return None
    try:
        card = HfApi().model_info(repo, timeout=CARD_SECONDS).card_data
    # The hub client's errors come from several packages and change with its releases.
    except Exception:
        return None
    return str(card.license) if card and card.license else None
