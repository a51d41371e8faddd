"""What spreadsheets do to values: taken back where that is certain, else told and not taken."""

import pytest

from crawlers.imports.sidecar.cells import (
    DATE,
    FAILED,
    FORMULA,
    LOST,
    POWER,
    SERIAL,
    TRUTH,
    TWICE,
    WHOLE,
    read_cell,
)

DATES = [
    "3-Sep", "03-Sep", "9-Mar", "Sep-93", "09. Mrz", "9. Mrz.", "09. Mär", "5-sept.", "03-set",
    "9-mars", "2024-03-09", "2024-03-09 00:00:00", "2024-03-09T00:00:00Z", "09.03.2024",
    "9/3/2024", "3/9/24", "09.03.", "1-May", "3. Sep 24", "05-dic", "05-okt",
]  # fmt: skip


@pytest.mark.parametrize("cell", DATES)
def test_a_model_that_became_a_date_is_not_taken(cell: str) -> None:
    assert read_cell("model", cell) == ("", DATE, True)
    assert read_cell("first_registration", cell).remark == ""
    assert read_cell("note", cell) == (cell, "", False)


@pytest.mark.parametrize(
    ("target", "cell", "remark"),
    [
        ("model", "45538", SERIAL),
        ("model", "45538.0", SERIAL),
        ("model", "9.00E+03", POWER),
        ("model", "5E+05", POWER),
        ("model_year", "2,01E+03", POWER),
        ("make", "WAHR", TRUTH),
        ("model", "true", TRUTH),
        ("make", "Citro?n", LOST),
        ("make", "?koda", LOST),
        ("color", "gr\ufffdn", LOST),
        ("color", "grÃ¼n", TWICE),
        ("make", "=A2", FORMULA),
        ("model", '=CONCATENATE(B2,"x")', FORMULA),
    ],
)
def test_what_is_spoilt_is_told_and_not_taken(target: str, cell: str, remark: str) -> None:
    assert read_cell(target, cell) == ("", remark, True)


@pytest.mark.parametrize(
    ("target", "cell", "value", "remark"),
    [
        ("model", "500.0", "500", WHOLE),
        ("model", "911,00", "911", WHOLE),
        ("model_year", "2012.0", "2012", ""),
        ("model_year", "2,012", "2012", WHOLE),
        ("model_year", "2.012", "2012", WHOLE),
        ("model_year", "1 998", "1998", WHOLE),
        ("model", "'9-3", "9-3", ""),
        ("model", "'3-Series", "3-Series", ""),
        ("model_year", "'2012", "2012", ""),
        ("color", "'=red", "=red", ""),
        ("model", '="9-3"', "9-3", ""),
        ("model", '="007"', "007", ""),
        ("model", '="a ""b"" c"', 'a "b" c', ""),
        ("model", '=T("9-5")', "9-5", ""),
    ],
)
def test_what_can_be_taken_back_is(target: str, cell: str, value: str, remark: str) -> None:
    assert read_cell(target, cell) == (value, remark, False)


@pytest.mark.parametrize("cell", ["#N/A", "#NV", "NULL", "nan", "NaN", "<NA>", r"\N", "  ", "n/a"])
def test_cells_that_stand_for_nothing_are_empty(cell: str) -> None:
    assert read_cell("model", cell) == ("", "", False)


@pytest.mark.parametrize("cell", ["#REF!", "#WERT!", "#DIV/0!", "#NAME?", "#BEZUG!", "########"])
def test_errors_of_a_spreadsheet_are_told_and_take_nothing_back(cell: str) -> None:
    assert read_cell("model", cell) == ("", FAILED, True)


@pytest.mark.parametrize("cell", ["Zo?", "M4 Coup?", "A5 Coup? 2.0", "BMW?"])
def test_a_letter_that_is_lost_at_the_end_of_a_word_is_told(cell: str) -> None:
    assert read_cell("model", cell) == ("", LOST, True)


@pytest.mark.parametrize("codec", ["cp1252", "latin-1", "cp1250", "mac-roman", "cp850", "cp437"])
@pytest.mark.parametrize("make", ["Citroën", "Škoda", "Mégane", "SÉAT"])
def test_words_that_were_read_in_a_wrong_encoding_are_not_taken(make: str, codec: str) -> None:
    read_wrong = make.encode().decode(codec, "ignore")
    if read_wrong.encode(codec) == make.encode():
        assert read_cell("make", read_wrong) == ("", TWICE, True)
        assert read_cell("make", read_wrong.replace("\xa0", " ")) == ("", TWICE, True)
    assert read_cell("make", make) == (make, "", False)


MODELS = [
    "9-3", "9-5", "9-2X", "9-4X", "3-Series", "3 Series", "1-Series M", "3", "9000", "500", "2CV",
    "'Cuda", "'68 Camaro", "March", "March 1.2", "May", "Juno", "i3", "e-tron", "A6 2.0 TDI",
    "Cee'd", "X5 M", "206", "CX-5", "XC60", "T-Roc", "Model 3", "Mark II", "C-HR", "Up!",
    "+", "-", "?", "4/4", "Plus 4", "Octavia", "Septima 3", "Marcos 1800", "Décapotable", "80",
    "E350", "Type 2", "1er", "Maybach 57",
]  # fmt: skip


@pytest.mark.parametrize("cell", MODELS)
def test_names_of_models_stay(cell: str) -> None:
    assert read_cell("model", cell) == (cell, "", False)
