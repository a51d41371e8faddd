"""The color of a car's paint, from its pixels and the paints of the vocabulary; numpy alone.

Pixels and paints are compared in Oklab (Ottosson 2020, "A perceptual color space for image
processing"), where a paint in shade or in light lies on the line from itself to black: what differs
along that line counts for less than what differs across it.

A photo shows much else besides paint: glass, tyres, chrome, reflections, the world around. So the
score of a paint is how much better it and all that explain the pixels than all that does alone
(Banfield and Raftery 1993, "Model-Based Gaussian and Non-Gaussian Clustering"). Every car has
some dark pixels, so these say little for black unless they are many; a few red ones say much for
red.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
Array = npt.NDArray[np.float32]
Swatches = Mapping[str, Sequence[tuple[int, int, int]]]

LEAST_PIXELS, LEAST_SHARE = 400, 0.005
"""The least pixels, and the least share of the photo, of a car whose color can be told."""

GREY_RANGE = 3
"""A photo is grayscale if 99 % of its pixels have channels that differ by this or less. Color
photos of white cars on grey roads reach 4 to 5 at least; grayscale ones have 0 to 2."""

# These numbers were fitted on rendered scenes and on a half of 990 real photos, those of masks on
# all of them; docs/benchmarks/labels.md shows the other half.
_SIDE = 32  # rows and columns of the grid of sampled pixels
_WIDTH = 0.029  # standard deviation of a paint across its line to black, in Oklab
_TAIL, _TAIL_WIDTH = 0.02, 3  # some paints are unlike all swatches: how many, how far in widths
_ALONG = 0.2  # what a difference along that line counts
_PAINT_INSIDE, _PAINT_OUTSIDE = 0.6, 0.25  # how much of what is in the mask, or not, is paint
_ANYTHING, _EDGE = 0.008, 0.37  # how much is of any color, or looks like the edge of the photo
_EDGE_WIDTH = 0.05
_BESIDES = np.array(
    [
        *((12, 12, 14), (32, 34, 38), (58, 62, 68), (92, 96, 102), (134, 138, 144)),
        *((180, 184, 188), (224, 228, 232), (251, 251, 251), (42, 52, 64), (90, 108, 128)),
    ],
    np.uint8,
)  # tyres, glass, chrome, highlights, and skies in glass: what a car shows besides its paint
_BESIDE = 0.14  # how much of each of them
_CENTER = 0.45  # pixels count by their distance from the center, in half sides
_AROUND, _OUTSIDE = 0.2, 0.5  # a mask may be wrong: so far around it pixels count, but so much less
_INDEPENDENT = 29  # pixels of a photo resemble each other: they count as this many independent ones
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
    """sRGB (..., 3) of 0..255 -> Oklab (..., 3): lightness of 0 to 1, greenness to redness, and
    blueness to yellowness."""
    return np.asarray(np.cbrt(_LINEAR[pixels] @ _TO_CONES.T) @ _TO_LAB.T, np.float32)


def is_grayscale(photo: Pixels) -> bool:
    """Whether a photo (height, width, 3) has no colors, so that no car's color can be seen."""
    points = _sample(photo)
    ranges = points.max(axis=2) - points.min(axis=2)
    return bool(np.percentile(ranges, 99) <= GREY_RANGE)


def paint_scores(photo: Pixels, car: Mask | None, swatches: Swatches) -> Array | None:
    """The log-probability (k,) of each value of `swatches`, in their order; None if the color
    cannot be determined.

    `photo` is (height, width, 3) in sRGB, and `car` the mask (height, width) of the car. Without it
    the whole photo counts, its center more than its edges. The color cannot be determined in a
    grayscale photo, or where too little of a car is seen. The probabilities add to one and are not
    calibrated. Raises `ValueError` for a mask of another size.
    """
    if car is not None and car.shape != photo.shape[:2]:
        raise ValueError(f"the mask is {car.shape} and the photo {photo.shape[:2]}: resize one")
    if car is not None and (car.sum() < LEAST_PIXELS or car.mean() < LEAST_SHARE):
        return None
    if is_grayscale(photo):
        return None
    rows, columns = (_grid(0, length) for length in photo.shape[:2])
    inside = np.zeros(_SIDE**2, bool)
    if car is not None:
        rows, columns = _around(car)
        inside = car[rows][:, columns].ravel()
    scores = _explained(_sample(photo), photo[rows][:, columns].reshape(-1, 3), inside, swatches)
    return np.asarray(scores - np.logaddexp.reduce(scores), np.float32)


def _explained(
    whole: Pixels, pixels: Pixels, inside: Mask, swatches: Swatches
) -> npt.NDArray[np.float64]:
    """How much better a paint of each value explains the pixels (n, 3), in log-likelihood."""
    around = oklab(whole)
    exposure = np.clip(np.percentile(around[..., 0], 99), _EXPOSED, 1)
    points = oklab(pixels) / exposure
    besides = _ANYTHING + _BESIDE * _likeness(points, oklab(_BESIDES)).sum(axis=1)
    besides += _EDGE * ~inside * _like_edge(points, around / exposure)
    squares = np.linspace(-1, 1, _SIDE, dtype=np.float32) ** 2
    by_center = np.exp((squares[:, None] + squares) / (-2 * _CENTER**2)).ravel()
    paint = np.where(inside, _PAINT_INSIDE, _PAINT_OUTSIDE).astype(np.float32)
    weights = np.asarray(by_center, np.float32) * np.where(inside, 1, _OUTSIDE)
    colors = np.array([each for some in swatches.values() for each in some], np.uint8)
    gains = np.log1p((paint / besides)[:, None] * _likeness(points, oklab(colors.reshape(-1, 3))))
    scores = _INDEPENDENT * ((weights / weights.sum()) @ gains)
    ends = np.cumsum([len(some) for some in swatches.values()])[:-1]
    return np.array([np.logaddexp.reduce(part) for part in np.split(scores, ends)])


def _sample(photo: Pixels) -> Pixels:
    return photo[_grid(0, photo.shape[0])][:, _grid(0, photo.shape[1])]


def _grid(start: float, stop: float) -> Places:
    return (start + (np.arange(_SIDE) + 0.5) * (stop - start) / _SIDE).astype(np.intp)


def _around(car: Mask) -> tuple[Places, Places]:
    """Rows and columns of a grid over the box of the mask and a bit more."""
    found = []
    for axis in (1, 0):
        there = np.flatnonzero(car.any(axis=axis))
        more = _AROUND * (there[-1] + 1 - there[0])
        length = car.shape[1 - axis]
        found.append(_grid(max(there[0] - more, 0), min(there[-1] + 1 + more, length)))
    return found[0], found[1]


def _likeness(points: Array, colors: Array) -> Array:
    """How alike points (n, 3) and colors (k, 3) are: (n, k), 1 and a bit for the same."""
    lengths = np.linalg.norm(colors, axis=1) + 1e-6
    along = points @ (colors / lengths[:, None]).T
    across = np.maximum((points**2).sum(axis=1)[:, None] - along**2, 0)
    distances = across + (_ALONG * (along - lengths)) ** 2
    scaled = distances * (-0.5 / _WIDTH**2)
    return np.asarray(np.exp(scaled) + _TAIL * np.exp(scaled / _TAIL_WIDTH**2), np.float32)


def _like_edge(points: Array, whole: Array) -> Array:
    """How much each of the points (n, 3) is like those at the edge of the photo (h, w, 3)."""
    edge = np.concatenate([whole[0], whole[-1], whole[:, 0], whole[:, -1]])[::3]
    distances = (points**2).sum(axis=1)[:, None] + (edge**2).sum(axis=1) - 2 * points @ edge.T
    return np.asarray(np.exp(distances * (-0.5 / _EDGE_WIDTH**2)).mean(axis=1), np.float32)
