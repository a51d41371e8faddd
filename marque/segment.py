"""`marque segment`: what every pixel of one photo shows."""

import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.errors import UsageMistakeError
from core.files import atomic_write
from marque.common import shared_options
from marque.terminal import print_json, say

if TYPE_CHECKING:
    from flows.settings import Settings
    from labeling.classmap import ClassMap
    from labeling.segment import Segmenter


@click.command()
@click.argument("image")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the class map to this PNG file, and a mask of each label beside it: of mask.png, "
    "mask.car.png.",
)
@click.option(
    "--threshold",
    type=float,
    default=0.5,
    show_default=True,
    help="What is less probable than this, from 0 to 1, is background.",
)
@click.option("--segmenter", "name", help="The network to ask, instead of MARQUE_SEGMENTER.")
@click.option(
    "--weights",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Weights file of the network, instead of the published ones.",
)
@shared_options
def segment(
    image: str,
    out: Path | None,
    threshold: float,
    name: str | None,
    weights: Path | None,
    as_json: bool,
) -> None:
    """Say what every pixel of IMAGE shows: a file, or the id of a photo here.

    The first digits of an id are enough. Pixels of the class map are numbers of classes; those of
    a mask are white where the label is.
    """
    from core.photos.decode import RejectedError
    from flows.resources import segmenter_for
    from flows.settings import load_settings
    from labeling.classmap import check_threshold

    check_threshold(threshold)
    if out is not None:
        _check_path(out)
    settings = load_settings()
    content = _content(settings, image)
    if out is not None:
        _check_apart(image, [out])
    from labeling.segment import segment_photo  # torch takes seconds: the photo is found by now

    if weights is None and name in {None, settings.segmenter}:
        weights = settings.segmenter_weights  # which are of no other network
    chosen = {"segmenter": name or settings.segmenter, "segmenter_weights": weights}
    segmenter = segmenter_for(settings.model_copy(update=chosen))
    if out is not None:
        _check_apart(image, [_mask_path(out, label) for label in segmenter.classes])
    try:
        shown = segment_photo(segmenter, content, threshold)
    except RejectedError as error:
        raise UsageMistakeError(_unusable(image, error)) from error
    masks = {} if out is None else _store(shown, out)
    document = _document(segmenter, shown, masks)
    document |= {"image": image, "threshold": threshold, "out": None if out is None else str(out)}
    if as_json:
        print_json(document)
    else:
        _print(document)
    if segmenter.is_tryout:
        from labeling.segmenters import TRYOUT_SEGMENTER

        say(f"Note: {TRYOUT_SEGMENTER}", err=True)


def _content(settings: "Settings", image: str) -> bytes:
    """The bytes of a file, or of a photo of the catalog by the first digits of its id."""
    from catalog.photos import photo_bytes
    from core.photos.decode import RejectedError
    from core.photos.files import read_photo
    from flows.resources import catalog_at
    from labeling.publish.status import ID_PREFIX, find_photo

    path = Path(image)
    if _is_file(path):
        try:
            return read_photo(path)
        except RejectedError as error:
            raise UsageMistakeError(_unusable(image, error)) from error
    if ID_PREFIX.fullmatch(image.lower()):
        catalog = catalog_at(settings, create=False)
        return photo_bytes(catalog, find_photo(catalog, image))
    raise UsageMistakeError(
        f"there is no picture {image[:200]!r}; give the path of a file, or the id of a photo of "
        "the catalog, or at least 6 digits of it, as `marque search` prints them"
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long for a file, a folder that may not be entered
        return False


def _unusable(image: str, error: Exception) -> str:
    return f"{image!r} cannot be segmented ({error}); give another photo"


def _check_path(out: Path) -> None:
    """Raise `UsageMistakeError` where nothing can be written there, before a network is loaded."""
    if out.suffix.lower() != ".png":
        raise UsageMistakeError(f"a class map is a PNG: {str(out)!r} does not end in .png")
    folder = next(each for each in out.absolute().parents if each.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UsageMistakeError(
            f"{str(out)!r} cannot be written: {str(folder)!r} is not a folder that you may write "
            "into; give another"
        )


def _check_apart(image: str, files: Iterable[Path]) -> None:
    """Raise `UsageMistakeError` where one of `files`, to be written, is the photo itself."""
    path = Path(image)
    for file in files if _is_file(path) else ():
        if _is_file(file) and file.samefile(path):
            raise UsageMistakeError(
                f"{str(file)!r} would be written over, and is the photo to segment; give another "
                "--out"
            )


def _mask_path(out: Path, label: str) -> Path:
    return out.with_suffix(f".{label}.png")


def _store(shown: "ClassMap", out: Path) -> dict[str, str]:
    """Write the class map, and a mask beside it for each label; label -> file of its mask."""
    from labeling.classmap import mask_png

    atomic_write(out, shown.to_png())
    masks: dict[str, str] = {}
    for part in shown.parts():
        file = _mask_path(out, part.label)
        atomic_write(file, mask_png(shown.mask(part.label)))
        masks[part.label] = str(file)
    return masks


def _document(segmenter: "Segmenter", shown: "ClassMap", masks: dict[str, str]) -> dict[str, Any]:
    height, width = shown.numbers.shape
    return {
        "segmenter": segmenter.version,
        "width": width,
        "height": height,
        "labels": [asdict(part) | {"mask": masks.get(part.label)} for part in shown.parts()],
    }


def _print(document: dict[str, Any]) -> None:
    from rich.console import Console

    from marque.tables import print_tables

    name = Path(document["image"]).name  # a whole path would be broken into lines
    title = f"{name}, {document['width']}x{document['height']}"
    rows = [
        {
            "label": each["label"],
            "pixels": each["area_pixels"],
            "share": f"{each['share']:.1%}",
            "box": ", ".join(map(str, each["box"])),
            "confidence": f"{each['confidence']:.2f}",
        }
        for each in document["labels"]
    ]
    print_tables(Console(), {title: rows})
    if not rows:
        say(f"{title}: no label at a threshold of {document['threshold']}")
    say(f"Segmented by {document['segmenter']}")
    if document["out"] is not None:
        say(f"Class map: {document['out']}")
        for each in document["labels"]:
            say(f"Mask of {each['label']}: {each['mask']}")
