"""The search of the replica's Commons: words, `incategory:"X"` and `filetype:bitmap`."""

import re

from synthetic.replica.commons_files import CommonsFile
from synthetic.replica.commons_imageinfo import description
from synthetic.replica.commons_state import Commons

DEPTH = 10_000
"""Most results of a search that the search engine shows."""

_PART = re.compile(r'(\w+):("[^"]*"|\S+)|"([^"]*)"|(\S+)')


def find_files(commons: Commons, text: str) -> list[CommonsFile]:
    """The files that match every part of a search, by page id."""
    found = commons.files()
    for key, given, quoted, word in _PART.findall(text):
        value = given.strip('"')
        if key == "incategory":
            names = {name.replace("_", " ") for name in value.split("|")}
            found = [file for file in found if not names.isdisjoint(file.shown.categories)]
        elif key == "filetype":
            types = value.upper().split("|")
            found = [file for file in found if file.mediatype in types]
        else:
            wanted = _words(quoted or word or value)
            found = [
                file for file in found if wanted <= _words(f"{file.name} {description(file) or ''}")
            ]
    return found


def _words(text: str) -> set[str]:
    return set(re.findall(r"[\w-]+", text.casefold()))
