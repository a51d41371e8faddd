"""The models that can be used: listing, fetching and verifying them.

Importing this module imports open_clip and torch, which takes seconds.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlparse

from huggingface_hub import HfApi, constants
from huggingface_hub.errors import HFValidationError

from core.text import shell_word
from embeddings.hub import SUMS, StatedDigest, digest_by_hub, file_sha256
from embeddings.openclip import open_clip
from embeddings.published import doubt_of
from embeddings.registry import (
    CHOICES,
    HUB,
    LICENSES,
    SPACE,
    TINY,
    ModelError,
    ModelSpec,
    SpaceSpec,
)
from embeddings.weights import (
    Pin,
    WeightsFile,
    fetch_weights,
    find_weights,
    hub_place,
    load_pin,
    load_pins,
    load_sums_beside,
    missing_message,
    pin_place,
    store_pin,
    tag_facts,
)

CARD_SECONDS = 5.0
_SHORT_DIGITS = 8  # of a sha256, in the file names of open_clip's own releases

FileState = Literal["ok", "unknown", "problem"]


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model in the list; `place`, `path` and `size` (bytes) are None if it is not here."""

    spec: ModelSpec
    place: str | None
    path: Path | None
    size: int | None
    license: str | None
    pinned: str | None


@dataclass(frozen=True, slots=True)
class FetchedModel:
    """A model that is here, complete, and loads; its vectors will carry `version`.

    `doubt` is what a person has to decide about it, or None.
    """

    pin: Pin
    path: Path
    version: str
    weights_sha256: str
    downloaded: bool
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class FileCheck:
    """One file of a model, compared with its pin and with every digest that is stated for it.

    `unknown` means that no digest is known for it; `found` and `advice` are for people.
    """

    path: Path
    size: int
    sha256: str
    state: FileState
    found: str
    advice: str = ""


def list_models(
    home: Path, named: Iterable[ModelSpec] = (), *, every: bool = False
) -> list[ModelEntry]:
    """The models that this machine has, the default one, and those that are `named`.

    With `every`, all that open_clip knows.
    """
    specs = [ModelSpec(TINY), *map(ModelSpec, CHOICES.values()), *named]
    specs += [ModelSpec(pin.model, pin.weights) for pin in load_pins(home)]
    tags = [ModelSpec(f"{model}/{tag}") for model, tag in open_clip.list_pretrained()]
    cached = [spec for spec in tags if find_weights(spec) is not None]
    known = {hub_place(spec)[0] for spec in cached}
    cached += [spec for spec in _cached_repos() if hub_place(spec)[0] not in known]
    listed = dict.fromkeys([*specs, *cached, *(tags if every else ())])
    return [_listed(home, spec) for spec in listed]


def fetch_model(spec: ModelSpec, home: Path) -> FetchedModel:
    """Fetch a model's weights, prove that they are complete and load, and pin them.

    The first fetch pins; a later one must match that pin. Raises `ModelError`.
    """
    from embeddings.encoders import load_space

    before = find_weights(spec)
    fetch_weights(spec)
    if (found := find_weights(spec)) is None:
        raise ModelError(missing_message(spec))
    wrong = [each for each in verify_model(spec, home) if each.state == "problem"]
    if wrong:
        raise ModelError(f"{wrong[0].path}: {wrong[0].found}; {wrong[0].advice}")
    record = load_space(SpaceSpec(SPACE, spec), "cpu").record
    pin = load_pin(home, spec)
    if pin is None:
        pin = _pin(spec, found)
        if found.place != "project":  # Marque's own file states it, and comes with each release
            store_pin(home, pin)
    new, digest = before is None, record.weights_sha256
    return FetchedModel(pin, found.path, record.version, digest, new, doubt_of(spec))


def verify_model(spec: ModelSpec, home: Path) -> list[FileCheck]:
    """Read every file of a model and compare it with its pin and with the digests of its origin.

    Raises `ModelError` if the model is not on this machine.
    """
    found = find_weights(spec)
    if found is None:
        raise ModelError(missing_message(spec))
    try:
        pin, sums = load_pin(home, spec), load_sums_beside(found)
        done = [_verify(spec, found, found.path, sums, pin, home)]
        others = [path for path in found.beside if path.name in sums or digest_by_hub(path)]
        done += [_verify(spec, found, path, sums, None, home) for path in others]
    except ValueError as error:
        raise ModelError(str(error)) from error
    listed = [found.path.with_name(name) for name in sorted(sums)]
    gone = [path for path in listed if found.place == "folder" and not path.exists()]
    said, advice = f"{SUMS} names it, but it is missing", "copy the folder here again"
    return done + [FileCheck(path, 0, "", "problem", said, advice) for path in gone]


def worst(files: Sequence[FileCheck]) -> FileState:
    """The state of a model: that of its worst file."""
    return max((each.state for each in files), key=get_args(FileState).index)


def _listed(home: Path, spec: ModelSpec) -> ModelEntry:
    found, pin = None, None
    with suppress(ModelError, ValueError):  # fetching or verifying this model says so
        pin = load_pin(home, spec)
        found = find_weights(spec)
    known = LICENSES.get(spec.name) if spec.weights is None else None
    stated = None
    if found and found.place == "project":
        stated = load_sums_beside(found).get(found.path.name)
    return ModelEntry(
        spec,
        found.place if found else None,
        found.path if found else None,
        found.path.stat().st_size if found else None,
        known or (pin.license if pin else None),
        pin.sha256 if pin else stated,
    )


def _cached_repos() -> list[ModelSpec]:
    """Models of the hub's cache that have a config of open_clip's, by their repository."""
    specs = []
    for folder in sorted(Path(constants.HF_HUB_CACHE).glob("models--*")):
        spec = ModelSpec(HUB + folder.name.removeprefix("models--").replace("--", "/"))
        try:
            if find_weights(spec) is not None:
                specs.append(spec)
        except HFValidationError:
            continue  # a folder that the hub's client did not make
    return specs


def _pin(spec: ModelSpec, found: WeightsFile) -> Pin:
    sha256 = file_sha256(found.path)
    blob = found.path.resolve()
    if found.repo is None:
        origins = {"project": "Marque", "folder": spec.name, "package": spec.name}
        origin = origins.get(found.place, str(found.path))
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
    """The license that the model's page names; None where the page does not answer."""
    if repo is None:
        return None
    try:
        card = HfApi().model_info(repo, timeout=CARD_SECONDS).card_data
    # The hub client's errors come from several packages and change with its releases.
    except Exception:
        return None
    return str(card.license) if card and card.license else None


def _stated_digests(
    spec: ModelSpec, found: WeightsFile, path: Path, sums: dict[str, str]
) -> list[StatedDigest]:
    stated = []
    if path.name in sums:
        by = "Marque" if found.place == "project" else SUMS
        stated.append(StatedDigest(sums[path.name], by))
    if hub := digest_by_hub(path):
        stated.append(hub)
    if spec.is_vision and spec.weights is None and path.suffix == ".pth":
        # torchvision's files and those of packages have the first digits in their names.
        stated.append(StatedDigest(path.stem.rpartition("-")[2], "its name"))
    elif found.place == "file" and (
        digest := _digest_of_url(str(tag_facts(spec).get("url")), path)
    ):
        stated.append(StatedDigest(digest, "open_clip"))
    return stated


def _digest_of_url(url: str, path: Path) -> str | None:
    """The digits of a file's sha256 in open_clip's URL, if the URL names that file.

    OpenAI's URLs have all of it, as a folder; open_clip's releases its first digits, in the
    file name. As in `open_clip.pretrained.download_pretrained_from_url`.
    """
    parts = urlparse(url).path.split("/")
    if parts[-1] != path.name:
        return None
    if "openaipublic" in url:
        return parts[-2]
    digest = path.stem.rpartition("-")[2]
    return digest if "mlfoundations" in url and len(digest) == _SHORT_DIGITS else None


def _verify(
    spec: ModelSpec,
    found: WeightsFile,
    path: Path,
    sums: dict[str, str],
    pin: Pin | None,
    home: Path,
) -> FileCheck:
    size, sha256 = path.stat().st_size, file_sha256(path)
    stated = _stated_digests(spec, found, path, sums)
    wrong = [each for each in stated if not each.matches(path, sha256)]
    cut = f"it has {size:,} of {pin.size:,} bytes" if pin and size < pin.size else ""
    advice = _advice(spec, found, path)
    if wrong:
        said = f"its digest is not the {wrong[0].digest[:12]}... that {wrong[0].by} states"
        said = ", and ".join(filter(None, (f"it is truncated or altered: {said}", cut)))
        return FileCheck(path, size, sha256, "problem", said, advice)
    if pin is not None and pin.sha256 != sha256:
        said = f"it is not the file that was pinned on {pin.pinned_at[:10]} ({pin.sha256[:12]}...)"
        said = ": ".join(filter(None, (said, cut)))
        advice += f"; or, to use the other weights, delete {pin_place(home, spec)} and fetch again"
        return FileCheck(path, size, sha256, "problem", said, advice)
    by = [each.by for each in stated] + ([f"the pin of {pin.pinned_at[:10]}"] if pin else [])
    if not by:
        advice = f"`marque models fetch {shell_word(spec.name)}` pins it as it is"
        return FileCheck(path, size, sha256, "unknown", "no digest is known for it", advice)
    return FileCheck(path, size, sha256, "ok", f"matches the digest of {' and '.join(by)}")


def _advice(spec: ModelSpec, found: WeightsFile, path: Path) -> str:
    if found.place == "cache":
        return f"delete {path.resolve()} and run `marque models fetch {shell_word(spec.name)}`"
    if found.place == "project":
        return f"put {path} back as it was; it belongs to Marque, so install that again"
    what = "the folder" if found.place == "folder" else f"{path.name!r}"
    return f"copy {what} here again from where it came from"
