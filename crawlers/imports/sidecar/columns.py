"""Maps the columns of a sidecar to targets: attributes, fields of a sighting, and the path."""

from collections.abc import Mapping, Sequence

from core.records import SourceError
from crawlers.imports.sidecar.paths import Finder
from crawlers.imports.sidecar.table import PATH_COLUMNS, SidecarTable, column_key

SIGHTING_FIELDS = ("split", "license", "license_url", "creator", "attribution", "page_url")
ATTRIBUTES = (
    "make",
    "model",
    "model_year",
    "first_registration",
    "body_type",
    "color",
    "background",
    "view",
    "people",
    "age",
)

_SAMPLE = 200
_MOST_COLUMNS = 1_000
_LONGEST_PATH = 4_096


def resolve_columns(
    sheet: SidecarTable,
    named: Mapping[str, str],
    asked: Mapping[str, str],
    name: str,
    finder: Finder,
) -> dict[str, str]:
    """Target -> column: the user's map, then each column with the name of a known target.

    `named` maps the columns as people read them to the columns as the rows have them. Without a
    mapped `path`, the path column is the one whose cells name most files; if no cells name files,
    it is the first of `PATH_COLUMNS`. Raises `SourceError` if a column is missing or if two columns
    fit equally well.
    """
    present = list(named)
    wrong = sorted(set(asked.values()) - set(present))
    if wrong:
        raise SourceError(
            f"{name} has no column {', '.join(wrong)}; its columns are {', '.join(present)}"
        )
    targets = dict(asked)
    free = [column for column in present if column not in targets.values()]
    if "path" not in targets:
        targets["path"] = _path_column(sheet, named, free, name, finder)
    for key in (str, column_key):
        for column in free:
            if key(column) in (*SIGHTING_FIELDS, *ATTRIBUTES) and column not in targets.values():
                targets.setdefault(key(column), column)
    return targets


def _path_column(
    sheet: SidecarTable, named: Mapping[str, str], free: Sequence[str], name: str, finder: Finder
) -> str:
    called = [column for key in PATH_COLUMNS for column in free if column_key(column) == key]
    ordered = [*called, *(column for column in free if column not in called)][:_MOST_COLUMNS]
    sample = [row.cells for row in sheet.rows[:_SAMPLE]]
    cells = {column: [row.get(named[column], "") for row in sample] for column in ordered}
    for loosely in (False, True):
        hits = {
            column: sum(
                finder.names_a_file(cell, loosely=loosely)
                for cell in cells[column]
                if 0 < len(cell) <= _LONGEST_PATH
            )
            for column in ordered
        }
        best = [column for column in ordered if hits[column] == max(hits.values())]
        if best and hits[best[0]] > 0:
            if len(best) > 1 and best[0] not in called:
                raise SourceError(
                    f"the columns {best[0]} and {best[1]} of {name} both name files: map `path` to "
                    "the one that holds the path of each photo"
                )
            return best[0]
    if not called:
        raise SourceError(
            f"{name} has no column of which the cells name files, and none named "
            f"{' or '.join(PATH_COLUMNS)}: map `path` to the one that holds the path of each file; "
            f"its columns are {', '.join(free) or 'none'}"
        )
    return called[0]
