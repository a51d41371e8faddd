"""Guids that encode a number, so that no table of them is needed."""

import re
from hashlib import sha1

_STEP = 0x9E3779B97F4B  # odd, so that a multiplication by it can be inverted
_SPACE = 2**48
_BACK = pow(_STEP, -1, _SPACE)
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}")


def guid_of(kind: str, seed: int, number: int) -> str:
    """The guid of thing `number` (under 2 ** 48) of a kind: a hash of the arguments in the form of
    a version 5 UUID, ending with the scrambled number."""
    text = sha1(f"{kind}/{seed}/{number}".encode(), usedforsecurity=False).hexdigest()
    end = number * _STEP % _SPACE
    return f"{text[:8]}-{text[8:12]}-5{text[12:15]}-a{text[15:18]}-{end:012x}"


def number_of(kind: str, seed: int, guid: str) -> int | None:
    """The number in a guid from `guid_of`; None for any other guid."""
    if not _GUID.fullmatch(guid):
        return None
    number = int(guid[24:], 16) * _BACK % _SPACE
    return number if guid_of(kind, seed, number) == guid else None
