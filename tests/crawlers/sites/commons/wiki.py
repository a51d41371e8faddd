"""What a replica's Commons holds, computed apart from the crawler: which files a walk should meet,
and what should become of each."""

import html
import re
from collections import Counter
from collections.abc import Iterable

from synthetic.replica.commons_files import CommonsFile
from synthetic.replica.commons_state import Commons

LEFT_OUT = ("logos", "Model cars", "engines", "museum")

REASONS = {
    "Public domain": "no license is stated",
    "No restrictions": "license is not known",
    "GFDL": "license is not known",
    "CC BY 2.1": "license is not known",
    "CC BY-NC 2.0": "license forbids commercial use",
    "CC BY-NC-SA 4.0": "license forbids commercial use",
    "CC BY-ND 4.0": "license forbids adaptations",
}

CC = "https://creativecommons.org"
LICENSES = {
    "CC BY-SA 4.0": ("CC BY-SA 4.0", f"{CC}/licenses/by-sa/4.0/"),
    "CC0": ("CC0 1.0", f"{CC}/publicdomain/zero/1.0/"),
    "CC BY 4.0": ("CC BY 4.0", f"{CC}/licenses/by/4.0/"),
    "CC BY-SA 3.0": ("CC BY-SA 3.0", f"{CC}/licenses/by-sa/3.0/"),
    "CC BY-SA 3.0 de": ("CC BY-SA 3.0 DE", f"{CC}/licenses/by-sa/3.0/de/"),
    "CC BY-SA 3.0 es": ("CC BY-SA 3.0 ES", f"{CC}/licenses/by-sa/3.0/es/"),
    "CC BY 2.0": ("CC BY 2.0", f"{CC}/licenses/by/2.0/"),
    "CC BY-SA 2.0": ("CC BY-SA 2.0", f"{CC}/licenses/by-sa/2.0/"),
}


def walk(wiki: Commons, root: str, depth: int) -> tuple[set[str], set[str]]:
    """Categories at most so deep that a crawl looks into, and those that it leaves out."""
    inside, outside, level = {root}, set[str](), {root}
    for _ in range(depth):
        below = {each.name for name in level for each in wiki.categories_in(name)} - inside
        denied = {name for name in below if any(word in name for word in LEFT_OUT)}
        level = below - denied
        inside |= level
        outside |= denied
    return inside, outside


def files_of(wiki: Commons, root: str = "Ford Mustang", depth: int = 2) -> list[CommonsFile]:
    """The files that a walk meets, each once."""
    inside, _ = walk(wiki, root, depth)
    return list({file.pageid: file for name in inside for file in wiki.files_in(name)}.values())


def refused(file: CommonsFile) -> str | None:
    """Why a file is no free photo; None: it is one."""
    odd = file.oddity[0] if file.oddity else ""
    if file.kind in {"drawing", "audio"}:
        return "file is no picture"
    return {"NonFree": "file is not free", "DeletionReason": "file is to be deleted"}.get(
        odd, REASONS.get(file.rights.short)
    )


def free(files: Iterable[CommonsFile]) -> set[str]:
    """Ids of those that should arrive."""
    return {str(file.pageid) for file in files if refused(file) is None}


def reasons(files: Iterable[CommonsFile]) -> dict[str, int]:
    """How many should be left out for which reason."""
    return dict(Counter(reason for file in files if (reason := refused(file))))


def credit(file: CommonsFile) -> str:
    """The credit that a file wants: its own line, else title, author and license."""
    if file.oddity and file.oddity[0] == "Attribution":
        return _plain(file.oddity[1].format(user=file.user))
    name, url = LICENSES[file.rights.short]
    is_dedication = name.startswith("CC0")
    by = f" by {_plain(file.artist)}" if file.artist else ""
    under = "is marked with" if is_dedication else "is licensed under"
    copy = "the terms" if is_dedication else "a copy of this license"
    title = file.name.rpartition(".")[0]
    return f'"{title}"{by} {under} {name}. To view {copy}, visit {url}.'


def _plain(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", markup)).split())
