"""Proof that a model's weights are whole: its files against what is stated of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlparse

from core.text import shell_word
from embeddings.hashes import SUMS, Statement, file_sha256, load_sums
from embeddings.hub_files import stated_by_hub
from embeddings.pins import Pin, load_pin, pin_place
from embeddings.registry import LOCAL, TINY, ModelError, ModelSpec
from embeddings.tiny import WEIGHTS
from embeddings.weights import WeightsFile, find_weights, tag_facts

_SHORT_DIGITS = 8  # open_clip's own releases carry so many digits of a sha256 in their name

State = Literal["ok", "unknown", "problem"]


@dataclass(frozen=True, slots=True)
class Verified:
    """One file of a model, compared with everything that is stated of it.

    `unknown` means that nobody states anything; `found` and `advice` are for a person.
    """

    path: Path
    size: int
    sha256: str
    state: State
    found: str
    advice: str = ""


def verify_model(spec: ModelSpec, home: Path) -> list[Verified]:
    """Read every file of a model and compare it with what its origin states and with its pin.

    Raises `ModelError` if the model is not on this machine.
    """
    found = find_weights(spec)
    if found is None:
        raise ModelError(missing(spec))
    try:
        pin, sums = load_pin(home, spec), sums_of(found)
        done = [_verify(spec, found, found.path, sums, pin, home)]
        others = [path for path in found.beside if path.name in sums or stated_by_hub(path)]
        done += [_verify(spec, found, path, sums, None, home) for path in others]
    except ValueError as error:
        raise ModelError(str(error)) from error
    return done + _absent(found, sums)


def worst(files: Sequence[Verified]) -> State:
    """The state of a model: that of its worst file."""
    states = {each.state for each in files}
    if "problem" in states:
        return "problem"
    return "unknown" if "unknown" in states else "ok"


def missing(spec: ModelSpec) -> str:
    """What to say where a model's weights are nowhere on this machine."""
    if spec.weights is not None:
        return f"the weights file {spec.weights!r} of {spec.name!r} is not there; put it back"
    if spec.name == TINY:
        return f"{str(WEIGHTS)!r} is not there; it belongs to Marque, so install that again"
    if spec.name.startswith(LOCAL):
        return f"the folder of {spec.name!r} holds no weights; copy it here again"
    fetch = f"marque models fetch {shell_word(spec.name)}"
    return (
        f"the weights of {spec.name!r} are not on this machine; run `{fetch}`, or copy a folder "
        f"here that `{fetch} --to FOLDER` made elsewhere and set "
        f"MARQUE_SEMANTIC_MODEL={LOCAL}FOLDER"
    )


def sums_of(found: WeightsFile) -> dict[str, str]:
    """What a file of digests beside the weights states: file name -> sha256, hex.

    Raises `ValueError` if it cannot be read.
    """
    if found.place == "project":
        return load_sums(found.path.with_name(f"{found.path.name}.sha256"))
    return load_sums(found.path.with_name(SUMS)) if found.place == "folder" else {}


def _statements(
    spec: ModelSpec, found: WeightsFile, path: Path, sums: dict[str, str]
) -> list[Statement]:
    stated = []
    if path.name in sums:
        by = "Marque" if found.place == "project" else SUMS
        stated.append(Statement(sums[path.name], by))
    if hub := stated_by_hub(path):
        stated.append(hub)
    if found.place == "file" and (digest := _digest_of_url(str(tag_facts(spec).get("url")), path)):
        stated.append(Statement(digest, "open_clip"))
    return stated


def _digest_of_url(url: str, path: Path) -> str | None:
    """What open_clip's address of a file says of its sha256, if the file has that name.

    OpenAI's addresses hold it whole, as a folder; open_clip's releases its first digits, in the
    name of the file. As in `open_clip.pretrained.download_pretrained_from_url`.
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
) -> Verified:
    size, sha256 = path.stat().st_size, file_sha256(path)
    stated = _statements(spec, found, path, sums)
    wrong = [each for each in stated if not each.holds(path, sha256)]
    if wrong:
        said = f"its digest is not the {wrong[0].digest[:12]}... that {wrong[0].by} states"
        if pin is not None and size < pin.size:
            said += f", and it has {size:,} of {pin.size:,} bytes"
        advice = _way_on(spec, found, path)
        return Verified(
            path, size, sha256, "problem", f"it is truncated or altered: {said}", advice
        )
    if pin is not None and pin.sha256 != sha256:
        return Verified(
            path, size, sha256, "problem", *_not_as_pinned(spec, found, size, pin, home)
        )
    by = [each.by for each in stated] + ([f"the pin of {pin.pinned_at[:10]}"] if pin else [])
    if not by:
        advice = f"`marque models fetch {shell_word(spec.name)}` pins it as it is"
        return Verified(path, size, sha256, "unknown", "nothing is stated of it", advice)
    return Verified(path, size, sha256, "ok", f"as stated by {' and '.join(by)}")


def _not_as_pinned(
    spec: ModelSpec, found: WeightsFile, size: int, pin: Pin, home: Path
) -> tuple[str, str]:
    said = f"it is not the file that was pinned on {pin.pinned_at[:10]} ({pin.sha256[:12]}...)"
    if size < pin.size:
        said += f": it has {size:,} of {pin.size:,} bytes"
    place = pin_place(home, spec)
    return said, (
        f"{_way_on(spec, found, found.path)}; or, if the other weights are wanted, delete {place} "
        "and fetch again"
    )


def _way_on(spec: ModelSpec, found: WeightsFile, path: Path) -> str:
    if found.place == "cache":
        return f"delete {path.resolve()} and run `marque models fetch {shell_word(spec.name)}`"
    if found.place == "project":
        return f"put {path} back as it was; it belongs to Marque, so install that again"
    what = "the folder" if found.place == "folder" else f"{path.name!r}"
    return f"copy {what} here again from where it came from"


def _absent(found: WeightsFile, sums: dict[str, str]) -> list[Verified]:
    """Files that the folder's list names and that are not there."""
    if found.place != "folder":
        return []
    gone = [found.path.with_name(name) for name in sorted(sums)]
    said, advice = f"{SUMS} names it and it is not there", "copy the folder here again"
    return [Verified(path, 0, "", "problem", said, advice) for path in gone if not path.exists()]
