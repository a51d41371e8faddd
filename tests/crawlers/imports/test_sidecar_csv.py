"""CSV as people and programs write it: whatever the dialect, the same rows are read."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.imports.sidecar.csv import parse_csv
from crawlers.imports.sidecar.table import PATH_COLUMNS
from tests.crawlers.imports.sidecar_reading import drops, read, words

AB = {"a.jpg": {"make": "Fiat", "color": "rot"}, "b.jpg": {"make": "Land Rover", "color": "a, b"}}


@pytest.mark.parametrize(
    "text",
    [
        'path, make, color\n"a.jpg", "Fiat", "rot"\n"b.jpg", "Land Rover", "a, b"\n',
        '"path", "make", "color"\na.jpg, Fiat, rot\nb.jpg, "Land Rover", "a, b"\n',
        ' "path" ,"make" ,\t"color"\n "a.jpg" , "Fiat" ,"rot" \n"b.jpg","Land Rover"\t,"a, b"\n',
        '"path",\xa0"make",\xa0color\n"a.jpg",\xa0"Fiat",\xa0rot\xa0\nb.jpg,Land Rover,\xa0"a, b"',
        'make, path, color\nFiat, a.jpg, rot\nLand Rover, b.jpg, "a, b"\n',
        "sep=;\r\npath;make;color\r\na.jpg;Fiat;rot\r\nb.jpg;Land Rover;a, b\r\n",
        '\ufeff"SEP=|"\npath|make|color\na.jpg|Fiat|rot\nb.jpg|Land Rover|a, b\n',
        "sep=^\npath^make^color\na.jpg^Fiat^rot\nb.jpg^Land Rover^a, b\n",
        "\n\n# exported by hand, 2 cars\npath;make;color\na.jpg;Fiat;rot\nb.jpg;Land Rover;a, b\n",
        "# path;make;color\na.jpg;Fiat;rot\nb.jpg;Land Rover;a, b\n",
        "#;path;make;color\n1;a.jpg;Fiat;rot\n2;b.jpg;Land Rover;a, b\n",
        "path\tmake\tcolor\r\ra.jpg\tFiat\trot\rb.jpg\tLand Rover\ta, b\r",
        "'path','make','color'\n'a.jpg','Fiat','rot'\n'b.jpg','Land Rover','a, b'\n",
        "path;make;color;;\na.jpg;Fiat;rot;;\nb.jpg;Land Rover;a, b;;\n;;;;\n;;;;\n",
        "path;make;color\na.jpg;Fiat;rot;;;\nb.jpg;Land Rover;a, b;;;\n;;;;;\n",
        "Path;Make;COLOR\na.jpg;Fiat;rot\nb.jpg;Land Rover;a, b\n\x1a",
    ],
)
def test_every_dialect_says_the_same(tmp_path: Path, text: str) -> None:
    records = read(tmp_path, text)
    assert words(records) == AB
    assert drops(records) == []


def test_very_many_quotes_and_blanks_are_read_at_once(tmp_path: Path) -> None:
    """Looked at once for each quote, they would take hours."""
    text = 'path, make\n"a.jpg", "Fiat"\n' + '" \n' * 50_000 + '""x ,' * 50_000 + " " * 200_000
    assert words(read(tmp_path, text))["a.jpg"] == {"make": "Fiat"}


cells = st.text("ab1 .-äß#'\";,|\t\\\n", max_size=8).map(str.strip)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=4),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    pads=st.tuples(*[st.sampled_from(["", " ", "  ", "\xa0"])] * 2),
    start=st.sampled_from(["", "\ufeff", "sep=", "\n", "# by hand\n"]),
)
def test_what_any_dialect_writes_is_read(
    rows: list[tuple[str, str]], delimiter: str, quoting: Any, end: str, pads: tuple[str, str],
    start: str,
) -> None:  # fmt: skip
    lines = []
    for row in [("path", "make", "color"), *((f"{n}.jpg", *row) for n, row in enumerate(rows))]:
        written = []
        for cell in row:
            out = io.StringIO(newline="")
            writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator="\r\n")
            writer.writerow([cell, ""])
            written.append(out.getvalue().rpartition(delimiter)[0])
        lines.append(f"{pads[0]}{delimiter}{pads[1]}".join(written))
    first = f"sep={delimiter}{end}" if start == "sep=" else start
    sheet = parse_csv(first + end.join(lines) + end, PATH_COLUMNS)
    read_back = [
        tuple(row.cells.get(name, "").strip() for name in ("path", "make", "color"))
        for row in sheet.rows
    ]
    assert read_back == [(f"{n}.jpg", *row) for n, row in enumerate(rows)]
    assert sheet.faults == []
