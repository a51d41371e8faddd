"""Files with decisions: a `review.csv` that was filled in, or an export of Label Studio.

The file is read here; `labeling.review.resolve` interprets the words.
"""

import codecs
from pathlib import Path

from labeling.review.returned import LineProblem, ReviewFile
from labeling.review.returned_csv import read_csv
from labeling.review.returned_json import read_json


def load_returned(path: Path, by: str | None = None) -> ReviewFile:
    """Read a file with decisions; its `lines` say what cannot be read.

    `by` is who decided if the file names nobody, or names one user of Label Studio by number.
    """
    try:
        text = _decoded(path.read_bytes())
    except OSError as error:
        why = f"it cannot be read: {error.strerror or error}"
        return ReviewFile(lines=[LineProblem("file", why, "check the path and its permissions")])
    except UnicodeDecodeError as error:
        return ReviewFile(
            lines=[LineProblem("file", f"it is not text: {error}", "save it as UTF-8")]
        )
    is_json = text.lstrip()[:1] in {"[", "{"}
    return read_json(text, by) if is_json else read_csv(text, by)


def _decoded(raw: bytes) -> str:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16")
    if raw[:200].count(0) > len(raw[:200]) // 4:
        raise UnicodeDecodeError("utf-8", raw[:1], 0, 1, "its bytes are those of another encoding")
    # Bytes that are not UTF-8 spoil their own rows only.
    return raw.decode("utf-8-sig", "surrogateescape")
