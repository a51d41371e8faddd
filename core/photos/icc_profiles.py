"""ICC profiles for pictures that state their colors by a code or by coordinates."""

import struct
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Chromaticity = tuple[float, float]
"""x and y of a color in the CIE 1931 chromaticity diagram."""


class Curve(NamedTuple):
    """A transfer curve: light = ((x + a) / (1 + a)) ** gamma, and a straight line below `cut`."""

    gamma: float
    a: float = 0.0
    cut: float = 0.0
    slope: float = 0.0


_D65, _D50, _C = (0.3127, 0.3290), (0.9642, 1.0, 0.8249), (0.310, 0.316)
SRGB_CURVE = Curve(2.4, 0.055, 0.04045, 1 / 12.92)
_BT601 = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070))

# White, red, green and blue of the color primaries of ITU-T H.273 by code.
_PRIMARIES: dict[int, tuple[Chromaticity, Chromaticity, Chromaticity, Chromaticity]] = {
    1: (_D65, (0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    4: (_C, (0.670, 0.330), (0.210, 0.710), (0.140, 0.080)),
    5: (_D65, (0.640, 0.330), (0.290, 0.600), (0.150, 0.060)),
    6: (_D65, *_BT601),
    7: (_D65, *_BT601),
    8: (_C, (0.681, 0.319), (0.243, 0.692), (0.145, 0.049)),
    9: (_D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    11: ((0.314, 0.351), (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    12: (_D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    22: (_D65, (0.630, 0.340), (0.295, 0.605), (0.155, 0.077)),
}

# Transfer characteristics. As in browsers, those of television are taken for sRGB. So are PQ and
# HLG (16 and 18), because their brightness is not tone-mapped here.
_CURVES = {4: Curve(2.2), 5: Curve(2.8), 8: Curve(1.0), 17: Curve(2.6)}

_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)

_NAME = "made from numbers".encode("utf-16-be")
_TEXT = b"mluc\0\0\0\0" + struct.pack(">LL4sLL", 1, 12, b"enUS", len(_NAME), 28) + _NAME
"""The name and the copyright of every profile."""


def coded_profile(primaries: int, transfer: int) -> bytes | None:
    """The profile for two codes of ITU-T H.273; None for unknown codes and for sRGB."""
    if primaries not in _PRIMARIES:
        primaries = 1
    curve = _CURVES.get(transfer, SRGB_CURVE)
    if primaries == 1 and curve == SRGB_CURVE:
        return None
    return rgb_profile(_PRIMARIES[primaries], curve)


def png_profile(gamma: float | None, points: Sequence[float] | None) -> bytes | None:
    """The profile for a PNG's gAMA and cHRM; None if they give no color space, or sRGB.

    `gamma` is the stored value, about 0.45; `points` are x and y of white, red, green and blue.
    """
    curve = SRGB_CURVE
    if gamma and 0.1 < gamma < 5 and abs(gamma - 1 / 2.2) > 0.005:
        curve = Curve(1 / gamma)
    pairs = _PRIMARIES[1]
    if points and len(points) == 8:
        white, red, green, blue = ((points[n], points[n + 1]) for n in range(0, 8, 2))
        pairs = (white, red, green, blue)
    if curve == SRGB_CURVE and np.abs(np.subtract(pairs, _PRIMARIES[1])).max() < 0.005:
        return None
    return rgb_profile(pairs, curve)


def rgb_profile(
    points: tuple[Chromaticity, Chromaticity, Chromaticity, Chromaticity], curve: Curve
) -> bytes | None:
    """The profile for this white, red, green and blue; None if they span no color space."""
    if any(not 0 <= x < 1 or not 0 < y < 1 for x, y in points):
        return None
    white, *primaries = (np.array([x / y, 1.0, (1 - x - y) / y]) for x, y in points)
    matrix = np.column_stack(primaries)
    if abs(np.linalg.det(matrix)) < 1e-6:
        return None
    cones = (_BRADFORD @ np.array(_D50)) / (_BRADFORD @ white)
    to_d50 = np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD
    columns = to_d50 @ (matrix * np.linalg.solve(matrix, white))
    values = (curve.gamma, 1 / (1 + curve.a), curve.a / (1 + curve.a), curve.slope, curve.cut)
    para = b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + b"".join(map(_fixed, values))
    tags = {b"wtpt": _xyz(np.array(_D50)), b"cprt": _TEXT, b"desc": _TEXT}
    tags |= dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, columns.T), strict=True))
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), para)
    return _file(tags)


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(min(max(value, -32000.0), 32000.0) * 65536))


def _xyz(values: npt.NDArray[np.float64]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, values.tolist()))


def _file(tags: dict[bytes, bytes]) -> bytes:
    table, data, start = struct.pack(">L", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, unpadded in tags.items():
        body = unpadded.ljust(-(-len(unpadded) // 4) * 4, b"\0")
        table += struct.pack(">4sLL", name, start + len(data), len(body))
        data += body
    head = struct.pack(
        ">L4s4s4s4s4s", start + len(data), b"", b"\4\x30\0\0", b"mntr", b"RGB ", b"XYZ "
    )
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    return (head + b"".join(map(_fixed, _D50))).ljust(128, b"\0") + table + data
