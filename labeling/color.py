"""The colour of a car's paint, from its pixels and the paints of the vocabulary; numpy alone.

Pixels and paints are compared in Oklab (Ottosson 2020, "A perceptual color space for image
processing"), where a paint in shade or in light lies on the line from itself to black: what differs
along that line counts for less than what differs across it.

A photo shows much else besides paint: glass, tyres, chrome, reflections, the world around. So each
paint is asked how much better pixels are explained by some of it beside all that than by all that
alone, a mixture as in robust estimation (Banfield and Raftery 1993, "Model-Based Gaussian and
Non-Gaussian Clustering"). Dark pixels, of which every car has some, then say little for black until
they are more than a car has anyway; a few red ones say much for red.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Array = npt.NDArray[np.float32]
Swatches = Mapping[str, Sequence[tuple[int, int, int]]]

LEAST_PIXELS, LEAST_SHARE = 400, 0.005
"""Less of a car than this, in pixels and as a share of the photo, does not tell its colour."""

GREY_RANGE = 3
"""A photo is greyscale if 99 % of its pixels have channels that differ by this or less. Colour
photos of white cars on grey roads reach 4 to 5 at least; greyscale ones have 0 to 2."""

# All that follows was fitted on rendered scenes and on a half of 990 real photos; see
# docs/benchmarks/labels.md for the other half.
_SIDE = 48  # pixels are taken on a grid of so many rows and columns
_WIDTH = 0.029  # standard deviation of a paint across its line to black, in Oklab
_ALONG = 0.2  # what a difference along that line counts
_PAINT_OF_CAR, _PAINT_OF_PHOTO = 0.8, 0.25  # how much of a car, or of a whole photo, is its paint
_ANYTHING, _EDGE = 0.008, 0.37  # how much is of any colour, or looks like the edge of the photo
_EDGE_WIDTH = 0.05
_BESIDES = (
    ((12, 12, 14), 0.12),
    ((32, 34, 38), 0.12),
    ((58, 62, 68), 0.10),
    ((92, 96, 102), 0.20),
    ((134, 138, 144), 0.16),
    ((180, 184, 188), 0.14),
    ((224, 228, 232), 0.10),
    ((251, 251, 251), 0.13),
    ((42, 52, 64), 0.25),
    ((90, 108, 128), 0.12),
    ((160, 32, 32), 0.03),
)  # what a car shows besides its paint, from tyres to highlights, and how much of each
_CENTRE = 0.45  # without a mask pixels count by their distance from the centre, in half sides
_INDEPENDENT = 29  # pixels of a photo resemble each other: they count as so many
_EXPOSED = 0.9  # the brightest per cent of a photo is as bright as white, from this lightness on

_STEPS = np.arange(256) / 255
_LINEAR = np.where(_STEPS <= 0.04045, _STEPS / 12.92, ((_STEPS + 0.055) / 1.055) ** 2.4)
_LINEAR = _LINEAR.astype(np.float32)
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    np.float32,
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    np.float32,
)


def oklab(pixels: Pixels) -> Array:
    """sRGB (..., 3) of 0..255 -> Oklab (..., 3): lightness of 0..1, green to red, blue to yellow."""
    return np.asarray(np.cbrt(_LINEAR[pixels] @ _TO_CONES.T) @ _TO_LAB.T, np.float32)


def is_greyscale(photo: Pixels) -> bool:
    """Whether a photo (height, width, 3) has no colours at all, so that nothing tells a car's."""
    points = photo[_grid(photo.shape[0])][:, _grid(photo.shape[1])]
    ranges = points.max(axis=2) - points.min(axis=2)
    return bool(np.percentile(ranges, 99) <= GREY_RANGE)


def paint_scores(photo: Pixels, car: Mask | None, swatches: Swatches) -> Array | None:
    """The log-probability (k,) of each value of `swatches`, in their order; None: cannot tell.

    `photo` is (height, width, 3) in sRGB. `car` is where the car is, (height, width); without it
    the whole photo is looked at, its centre more than its edges. Too little of a car and a
    greyscale photo do not tell. The probabilities add to one and want a temperature.
    """
    if car is not None and (car.sum() < LEAST_PIXELS or car.mean() < LEAST_SHARE):
        return None
    if is_greyscale(photo):
        return None
    rows, columns = _grid(photo.shape[0]), _grid(photo.shape[1])
    whole = oklab(photo[rows][:, columns])
    exposure = np.clip(np.percentile(whole[..., 0], 99), _EXPOSED, 1)
    if car is None:
        points, weights = (whole / exposure).reshape(-1, 3), _by_centre(whole.shape)
        besides, paint = _besides(points) + _EDGE * _like_edge(whole / exposure), _PAINT_OF_PHOTO
    else:
        points = oklab(_within(photo, car)) / exposure
        weights = np.full(len(points), 1 / len(points), np.float32)
        besides, paint = _besides(points), _PAINT_OF_CAR
    colours = np.array([paint for paints in swatches.values() for paint in paints], np.uint8)
    gains = np.log1p(paint * _likeness(points, oklab(colours)) / besides[:, None])
    scores = _INDEPENDENT * (weights @ gains)
    starts = np.cumsum([0, *map(len, swatches.values())])[:-1]
    best = np.logaddexp.reduceat(scores, starts)
    return np.asarray(best - np.logaddexp.reduce(best), np.float32)


def _grid(length: int) -> npt.NDArray[np.intp]:
    return ((np.arange(_SIDE) + 0.5) * length / _SIDE).astype(np.intp)


def _within(photo: Pixels, car: Mask) -> Pixels:
    """Pixels (n, 3) of the car, as many as a whole photo has, spread evenly over it."""
    places = np.flatnonzero(car)
    step = max(len(places) / _SIDE**2, 1)
    return photo.reshape(-1, 3)[places[np.arange(0, len(places) - 0.5, step).astype(np.intp)]]


def _likeness(points: Array, colours: Array) -> Array:
    """How alike points (n, 3) and colours (k, 3) are: (n, k), 1 where they are the same."""
    lengths = np.linalg.norm(colours, axis=1) + 1e-6
    along = points @ (colours / lengths[:, None]).T
    across = np.maximum((points**2).sum(axis=1)[:, None] - along**2, 0)
    distances = across + (_ALONG * (along - lengths)) ** 2
    return np.asarray(np.exp(distances / (-2 * _WIDTH**2)), np.float32)


def _besides(points: Array) -> Array:
    colours = np.array([colour for colour, _ in _BESIDES], np.uint8)
    shares = np.array([share for _, share in _BESIDES], np.float32)
    return np.asarray(_ANYTHING + _likeness(points, oklab(colours)) @ shares, np.float32)


def _like_edge(whole: Array) -> Array:
    """How much each point of a photo (h, w, 3) is like those at its edge: (h * w,)."""
    edge = np.concatenate([whole[0], whole[-1], whole[:, 0], whole[:, -1]])[::2]
    points = whole.reshape(-1, 3)
    distances = (points**2).sum(axis=1)[:, None] + (edge**2).sum(axis=1) - 2 * points @ edge.T
    return np.asarray(np.exp(distances / (-2 * _EDGE_WIDTH**2)).mean(axis=1), np.float32)


def _by_centre(shape: tuple[int, ...]) -> Array:
    down, across = (np.linspace(-1, 1, length) ** 2 for length in shape[:2])
    weights = np.exp((down[:, None] + across) / (-2 * _CENTRE**2)).ravel()
    return np.asarray(weights / weights.sum(), np.float32)
