"""Tables that a spreadsheet opens: nothing in them is run, and they read back as they were."""

import csv
import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.spreadsheet import csv_line, guarded, unguarded

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
CELL = TEXT | st.text("=+-@＝＋－＠'\" \t\r\n\ufeff1a", max_size=6)  # noqa: RUF001


@example("=1+1")
@example("'=1")
@example("''")
@example("-")
@example("'\t1")
@example("'-5")
@example("\ufeff\t")
@example(" \t")
@given(CELL)
def test_no_cell_is_a_formula_and_each_reads_back_as_it_was(cell: str) -> None:
    written = guarded(cell)
    assert unguarded(written) == cell
    if re.match(r"[\s\ufeff\"]*[=+\-@＝＋－＠\t\r]", written):  # noqa: RUF001
        float(written.replace(",", ".").removesuffix("%"))  # a number, with nothing to calculate


@pytest.mark.parametrize(
    "cell",
    ["=1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "＋1+1", "－cmd", "＠SUM(A1)",  # noqa: RUF001
     " =1", "\u00a0=1", "\ufeff=1", '"=1', "'=1", "-1 Coupe", "+cmd|' /C calc'!A0"],
)  # fmt: skip
def test_what_would_be_calculated_begins_with_a_quote(cell: str) -> None:
    assert guarded(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["-5", "+5", "-0,87", "-12.5", "-3%", "5", "", "Kia", "'t Hooft"])
def test_what_cannot_be_calculated_stays(cell: str) -> None:
    assert guarded(cell) == cell == unguarded(cell)


@given(st.lists(CELL, min_size=3, max_size=3))
def test_a_written_row_is_read_by_any_reader_of_csv(cells: list[str]) -> None:
    (row,) = csv.reader(io.StringIO(csv_line(cells, "\r\n"), newline=""))
    assert [unguarded(cell) for cell in row] == cells
