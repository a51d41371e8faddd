"""Labelers that read the pixels of a photo and the mask of its car: the color of the paint, and the
surroundings of the car.

They supplement zero-shot: each is calibrated by itself, and the one with the better accuracy on
known labels comes first.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from PIL import Image

from catalog.photos import load_photos
from catalog.segments import load_segments
from catalog.table import Catalog
from core.assertions import Assertion
from core.photos.decode import RejectedError, decoded
from core.vocabulary import Vocabulary
from embeddings.preparation import Picture, Preparation
from labeling.classmap import ClassMap, ClassMapError, Mask, car_mask, main_part
from labeling.color import paint_scores
from labeling.labelers import Labeler
from labeling.linear import Array, Classifier, answers, pack
from labeling.networks import statements
from labeling.truth import Truth

COLOR, SURROUNDINGS = "colour", "surroundings"
NAMES = (COLOR, SURROUNDINGS)
"""The names under which statements are stored. The first keeps its old spelling: under another name
every photo would have to be labeled again. People write `color`."""

PHOTO_SIDE = 384
"""Pixels of the longest side of a photo when it is labeled."""

PHOTOS_PER_PASS = 32
"""The number of photos in one forward pass."""

# Part of the versions: raise it when the same photo gets other scores than before.
_RULES = 2


@dataclass(frozen=True, slots=True)
class AnsweredAttribute:
    """One attribute that a labeler answers, and its values."""

    attribute: str
    values: tuple[str, ...]
    many: bool


@dataclass(frozen=True, slots=True, eq=False)
class MaskedPhoto:
    """A photo and the mask of its cars (height, width), which is empty if it was not segmented."""

    image: Image.Image
    car: Mask


class PixelLabeler(Protocol):
    """Labels photos by their pixels; `fingerprint` changes when its answers may change.

    `space_version` is the model whose sentences it compares photos with, "" without one.
    """

    name: str
    fingerprint: str
    space_version: str
    is_tryout: bool
    attributes: tuple[AnsweredAttribute, ...]

    def look(self, photos: Sequence[MaskedPhoto]) -> dict[str, Array]:
        """Attribute -> scores (n, values) of n photos; a row of NaN: it cannot judge the photo."""
        ...


class ColorModel:
    """The color of the paint, from the pixels of the car: see `labeling.color`."""

    name = COLOR
    space_version = ""

    def __init__(self, vocabulary: Vocabulary, segmenter: str, *, is_tryout: bool) -> None:
        self._swatches = vocabulary.questions["color"].swatches
        self.attributes: tuple[AnsweredAttribute, ...] = (
            AnsweredAttribute("color", tuple(self._swatches), many=False),
        )
        self.is_tryout = is_tryout
        self.fingerprint = _fingerprint(segmenter, self._swatches)

    def look(self, photos: Sequence[MaskedPhoto]) -> dict[str, Array]:
        """Scores (n, colors) by the paint of n cars."""
        rows = [
            paint_scores(np.asarray(each.image), main_part(each.car), self._swatches)
            for each in photos
        ]
        unknown = np.full(len(self._swatches), np.nan, np.float32)
        found = np.array([unknown if row is None else row for row in rows], np.float32)
        return {"color": found.reshape(len(photos), len(self._swatches))}


class PictureEncoder(Protocol):
    """The part of a model that `Surroundings` uses."""

    preparation: Preparation

    def encode_images(self, pictures: Picture) -> Array:
        """Prepared pictures (n, height, width, 3) -> unit vectors (n, size)."""
        ...


class Surroundings:
    """Zero-shot on the photo without its cars, which are painted over in the mean color.

    Of a car by the sea with people beside it, the sea and the people remain.
    """

    name = SURROUNDINGS

    def __init__(
        self,
        encoder: PictureEncoder,
        classifiers: Sequence[Classifier],
        seen_with: tuple[str, str],
        *,
        is_tryout: bool,
    ) -> None:
        self._encoder = encoder
        self._classifiers = tuple(each for each in classifiers if each.attribute in AROUND)
        self.attributes = tuple(
            AnsweredAttribute(c.attribute, c.values, c.many) for c in self._classifiers
        )
        self.is_tryout = is_tryout
        self.space_version = seen_with[1]
        weights = hashlib.sha256(pack(self._classifiers)).hexdigest()
        self.fingerprint = _fingerprint(seen_with, weights)

    def look(self, photos: Sequence[MaskedPhoto]) -> dict[str, Array]:
        """Scores (n, values) of n photos for each attribute."""
        if not photos:
            return {
                each.attribute: np.empty((0, len(each.values)), np.float32)
                for each in self.attributes
            }
        pictures = [self._encoder.preparation.fit(without_car(each)) for each in photos]
        vectors = np.concatenate(
            [
                self._encoder.encode_images(np.stack(pictures[at : at + PHOTOS_PER_PASS]))
                for at in range(0, len(pictures), PHOTOS_PER_PASS)
            ]
        )
        vectors[[not each.car.any() for each in photos]] = np.nan
        return {each.attribute: each.scores(vectors) for each in self._classifiers}


AROUND = ("background", "people", "age")
"""The attributes that the surroundings of a car show."""


def without_car(photo: MaskedPhoto) -> Image.Image:
    """The photo with its cars painted over in the mean color of the rest."""
    pixels = np.array(photo.image)
    if photo.car.any() and not photo.car.all():
        pixels[photo.car] = pixels[~photo.car].mean(axis=0).astype(np.uint8)
    return Image.fromarray(pixels)


def load_masked_photos(
    catalog: Catalog, image_ids: Sequence[str], damaged: list[str] | None = None
) -> Iterator[tuple[str, MaskedPhoto]]:
    """These photos, uncropped, with their stored segments.

    Photos that cannot be decoded are left out, and so are damaged ones, whose ids are added to
    `damaged`.
    """
    maps = load_segments(catalog, image_ids)
    for key, content, _ in load_photos(catalog, image_ids, damaged):
        with suppress(RejectedError):
            with decoded(content, side=PHOTO_SIDE) as image:
                image.thumbnail((PHOTO_SIDE, PHOTO_SIDE))
            car = np.zeros((image.height, image.width), bool)
            if key in maps:
                with suppress(ClassMapError):  # the stage makes it again: `damaged_maps`
                    stored = ClassMap.from_png(maps[key].class_map, maps[key].classes)
                    car = car_mask(stored, image.size)
            yield key, MaskedPhoto(image, car)


def damaged_maps(catalog: Catalog, image_ids: Sequence[str]) -> list[str]:
    """The photos among these whose stored class map cannot be read."""
    damaged = []
    for key, stored in load_segments(catalog, image_ids).items():
        try:
            ClassMap.from_png(stored.class_map, stored.classes)
        except ClassMapError:
            damaged.append(key)
    return damaged


def label_pictures(
    member: PixelLabeler,
    labeler: Labeler,
    photos: Mapping[str, MaskedPhoto],
    views: Mapping[str, str | None],
    vocabulary: Vocabulary,
    at: datetime,
) -> list[Assertion]:
    """The statements of a labeler about photos, where the attribute makes sense for the view.

    Photos that it cannot judge get an `abstention`.
    """
    made: list[Assertion] = []
    ids, scores = list(photos), member.look(list(photos.values()))
    for each in member.attributes:
        question = vocabulary.questions[each.attribute]
        sensible = np.array([question.makes_sense(views.get(key)) for key in photos], bool)
        told = ~np.isnan(scores[each.attribute]).any(axis=1)
        temperature = labeler.calibration[each.attribute].temperature
        found = answers(
            scores[each.attribute][told & sensible], each.values, temperature, many=each.many
        )
        some = [ids[row] for row in np.flatnonzero(told & sensible)]
        made += statements(labeler, each.attribute, some, found, at)
        others = [ids[row] for row in np.flatnonzero(~told & sensible)]
        made += [abstention(labeler, each.attribute, key, at) for key in others]
    return made


def abstention(labeler: Labeler, attribute: str, image_id: str, at: datetime) -> Assertion:
    """The statement of a labeler that it cannot judge a photo."""
    by, version = labeler.name, labeler.version
    return Assertion(image_id, attribute, (), True, None, "model", by, version, "", at)


def scores_of(
    catalog: Catalog, member: PixelLabeler, truth: Truth, attribute: str
) -> tuple[Truth, Array]:
    """The photos of `truth` that the labeler can judge, and their scores."""
    photos = dict(load_masked_photos(catalog, truth.image_ids))
    at = {key: row for row, key in enumerate(truth.image_ids)}
    scores = member.look(list(photos.values()))[attribute]
    known = ~np.isnan(scores).any(axis=1)
    keys = list(photos)
    return truth.take([at[keys[row]] for row in np.flatnonzero(known)]), scores[known]


def _fingerprint(*content: object) -> str:
    text = json.dumps([_RULES, *content], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
