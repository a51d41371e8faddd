"""The Creative Commons licenses, parsed from their URLs, and which of them are accepted.

The table is closed: a URL that is not in it is not a license. It is never taken for a similar
license, a later version or the public domain. The network is not used.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from core.errors import UsageMistakeError

ACCEPTED = ("by", "by-sa", "cc0")
"""The codes that are accepted by default."""

ACCEPTABLE = (*ACCEPTED, "pdm")
"""The codes that a user may accept. The public domain mark grants nothing; it is an opinion."""

NOT_STATED = "no license is stated"
NOT_KNOWN = "license is not known"
NOT_COMMERCIAL = "license forbids commercial use"
NO_ADAPTATIONS = "license forbids adaptations"
RETIRED = "license is retired"
MARK_NOT_REQUESTED = "public domain mark was not asked for"
LICENSE_NOT_REQUESTED = "license was not asked for"

_SIX = ("by", "by-nc", "by-nc-nd", "by-nc-sa", "by-nd", "by-sa")
_FIRST = ("by", "by-nc", "by-nc-sa", "by-nd", "by-nd-nc", "by-sa")
_WITHOUT_NAME = ("nc", "nc-sa", "nd", "nd-nc", "sa")
_DEDICATIONS = {"cc0": "zero", "pdm": "mark", "certification": "certification"}


def _six(ports: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(ports.split(), _SIX)


LICENSE_CODES: dict[str, dict[str, tuple[str, ...]]] = {
    "4.0": {"": _SIX},
    "3.0": {
        "": _SIX,
        **_six("am at au az br ca ch cl cn cr cz de ec ee eg es fr ge gr gt hk hr ie igo it lu nl"),
        **_six("no nz ph pl pr pt ro rs sg th tw ug us ve vn za"),
    },
    "2.5": {
        "": _SIX,
        **_six("ar au bg br ca ch cn co dk es hr hu il in it mk mt mx my nl pe pl pt scotland se"),
        **_six("si tw za"),
    },
    "2.1": _six("au ca es jp"),
    "2.0": {
        "": (*_SIX, "devnations"),
        **_six("at au be br ca cl de es fr hr it kr nl pl tw uk za"),
        "jp": (*_SIX, *_WITHOUT_NAME),
    },
    "1.0": {
        "": (*_FIRST, *_WITHOUT_NAME, "nc-sampling+", "sampling", "sampling+", "cc0", "pdm"),
        "fi": (*_FIRST, *_WITHOUT_NAME),
        "nl": (*_FIRST, *_WITHOUT_NAME),
        "il": _FIRST,
        "de": ("sampling+",),
        "us": ("certification",),
    },
    "": {"": ("publicdomain",)},
}
"""Version -> port -> codes that exist; the oldest dedication has neither version nor port."""

_CODES = frozenset(
    code for ports in LICENSE_CODES.values() for codes in ports.values() for code in codes
)

_HOSTS = ("creativecommons.org", "www.creativecommons.org")
_WEB = re.compile(r"(?:https?:)?//")
_TAIL = re.compile(r"(deed|legalcode)([._-][a-z0-9]+)*|rdf")
_NAMED = {
    ("publicdomain", "zero"): "cc0",
    ("publicdomain", "mark"): "pdm",
    ("publicdomain", "certification"): "certification",
    ("licenses", "cc0"): "cc0",
    ("licenses", "mark"): "pdm",
}


@dataclass(frozen=True, slots=True)
class License:
    """One license of the table: `code` such as `by-sa`, `version` such as `3.0`, and `port` (the
    country whose law it follows, or "")."""

    code: str
    version: str
    port: str = ""

    @property
    def url(self) -> str:
        """The canonical URL."""
        named = _DEDICATIONS.get(self.code)
        parts = ("licenses", self.code) if named is None else ("publicdomain", named)
        path = "/".join(part for part in (*parts, self.version, self.port) if part)
        return f"https://creativecommons.org/{path}/"

    @property
    def name(self) -> str:
        """The full name, such as `CC BY-SA 3.0 DE` or `Public Domain Mark 1.0`."""
        first = _NAMES.get(self.code, f"CC {self.code.upper()}")
        return " ".join(part for part in (first, self.version, self.port.upper()) if part)

    @property
    def share_alike(self) -> bool:
        """Whether adaptations must be under the same license."""
        return "sa" in self.code.split("-")

    @property
    def is_license(self) -> bool:
        """Whether the creator grants it; otherwise it is a mark or a dedication."""
        return self.code not in _NAMES


_NAMES = {
    "cc0": "CC0",
    "pdm": "Public Domain Mark",
    "publicdomain": "Public Domain Dedication",
    "certification": "Public Domain Certification",
}


def parse_license(url: str) -> License | None:
    """The license of a URL in any known form, also without a scheme; None if the URL names no
    license."""
    text = url.strip().lower()
    if not _WEB.match(text):
        text = f"//{text}"
    try:
        parts = urlsplit(text)
        sound = parts.port != 0  # reading it may raise, too
    except ValueError:
        return None
    host = (parts.hostname or "").removesuffix(".")
    if host not in _HOSTS or "@" in parts.netloc or not sound:
        return None
    segments = [part for part in unquote(parts.path).split("/") if part]
    if segments and _TAIL.fullmatch(segments[-1]):
        segments.pop()
    return _existing(_license_at(segments))


def parse_code(code: str) -> License | None:
    """The license of a short code such as `cc-by-sa-3.0-de`, `cc0` or `cc-pdm-1.0`.

    None if the code names no license of the table: it has no version or several, or it is `pd`
    (somebody says "public domain", without a mark or dedication).
    """
    words = re.sub(r"[\s_]+", "-", code.strip().lower())
    if words in _DEDICATED:
        return License(*_DEDICATED[words])
    found = _CODE.fullmatch(words)
    return None if found is None else _existing(License(found[1], found[2], found[3] or ""))


_CODE = re.compile(r"cc-([a-z+]+(?:-[a-z+]+)*)-([0-9]\.[0-9])(?:-([a-z]+))?")
_DEDICATED = {
    "cc0": ("cc0", "1.0"),
    "cc-0": ("cc0", "1.0"),
    "cc-zero": ("cc0", "1.0"),
    "cc0-1.0": ("cc0", "1.0"),
    "cc-zero-1.0": ("cc0", "1.0"),
    "pdm": ("pdm", "1.0"),
    "cc-pdm": ("pdm", "1.0"),
    "pdm-1.0": ("pdm", "1.0"),
    "cc-pd-mark": ("pdm", "1.0"),
    "cc-pd-mark-1.0": ("pdm", "1.0"),
    "cc-pd": ("publicdomain", ""),
}
"""Codes of licenses with a single version; `cc-pd` is the oldest dedication, now retired."""


def _existing(found: License | None) -> License | None:
    if found is None or found.code not in LICENSE_CODES.get(found.version, {}).get(found.port, ()):
        return None
    return found


def _license_at(segments: list[str]) -> License | None:
    """The license that the segments of a path name, even if it does not exist."""
    match segments:
        case ["licenses", "publicdomain"]:
            return License("publicdomain", "")
        case ["share-your-work", "public-domain", "cc0"]:  # of CC0 there is one version only
            return License("cc0", "1.0")
        case [root, name, version, *port] if len(port) <= 1:
            code = _NAMED.get((root, name))
            if code is None and root == "licenses" and name not in _DEDICATIONS:
                code = name
            return None if code is None else License(code, version, *port)
    return None


def license_refusal(found: License | None, accepted: Sequence[str] = ACCEPTED) -> str | None:
    """Why a license is not accepted, as one of the constants above; None if it is accepted.

    `found` is None if the URL names no license. Raises `UsageMistakeError`, as `check_accepted`.
    """
    check_accepted(accepted)
    if found is None:
        return NOT_KNOWN
    if (never := _never(found.code)) is not None:
        return never
    if found.code in accepted:
        return None
    return MARK_NOT_REQUESTED if found.code == "pdm" else LICENSE_NOT_REQUESTED


def check_accepted(accepted: Sequence[str]) -> None:
    """Raise `UsageMistakeError` for a code that does not exist or is never accepted."""
    for code in accepted:
        if code not in ACCEPTABLE:
            why = _never(code) if code in _CODES else "there is no such license"
            raise UsageMistakeError(
                f"{code!r} cannot be accepted: {why}; choose among {', '.join(ACCEPTABLE)}"
            )


def _never(code: str) -> str | None:
    words = code.split("-")
    if "nc" in words:
        return NOT_COMMERCIAL
    if "nd" in words:
        return NO_ADAPTATIONS
    return None if code in ACCEPTABLE else RETIRED
