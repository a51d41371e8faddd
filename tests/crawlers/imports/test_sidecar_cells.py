"""What spreadsheets do to values: taken back where that is certain, else told and not taken."""

import pytest

from crawlers.imports.sidecar.cells import (
    BOOLEAN_FOR_NAME,
    CELL_IS_ERROR,
    CELL_IS_FORMULA,
    DATE_FOR_NAME,
    DECODED_TWICE,
    LOST_LETTERS,
    READ_AS_INTEGER,
    SCIENTIFIC_NUMBER,
    SERIAL_FOR_NAME,
    read_cell,
)

DATES = [
    "3-Sep", "03-Sep", "9-Mar", "Sep-93", "09. Mrz", "9. Mrz.", "09. Mär", "5-sept.", "03-set",
    "9-mars", "2024-03-09", "2024-03-09 00:00:00", "2024-03-09T00:00:00Z", "09.03.2024",
    "9/3/2024", "3/9/24", "09.03.", "1-May", "3. Sep 24", "05-dic", "05-okt",
]  # fmt: skip


@pytest.mark.parametrize("cell", DATES)
def test_a_model_that_became_a_date_is_not_taken(cell: str) -> None:
    assert read_cell("model", cell) == ("", DATE_FOR_NAME, True)
    assert read_cell("first_registration", cell).remark == ""
    assert read_cell("note", cell) == (cell, "", False)


@pytest.mark.parametrize(
    ("target", "cell", "remark"),
    [
        ("model", "45538", SERIAL_FOR_NAME),
        ("model", "45538.0", SERIAL_FOR_NAME),
        ("model", "9.00E+03", SCIENTIFIC_NUMBER),
        ("model", "5E+05", SCIENTIFIC_NUMBER),
        ("model_year", "2,01E+03", SCIENTIFIC_NUMBER),
        ("make", "WAHR", BOOLEAN_FOR_NAME),
        ("model", "true", BOOLEAN_FOR_NAME),
        ("make", "Citro?n", LOST_LETTERS),
        ("make", "?koda", LOST_LETTERS),
        ("color", "gr\ufffdn", LOST_LETTERS),
        ("color", "grÃ¼n", DECODED_TWICE),
        ("make", "=A2", CELL_IS_FORMULA),
        ("model", '=CONCATENATE(B2,"x")', CELL_IS_FORMULA),
    ],
)
def test_what_is_spoilt_is_told_and_not_taken(target: str, cell: str, remark: str) -> None:
    assert read_cell(target, cell) == ("", remark, True)


@pytest.mark.parametrize(
    ("target", "cell", "value", "remark"),
    [
        ("model", "500.0", "500", READ_AS_INTEGER),
        ("model", "911,00", "911", READ_AS_INTEGER),
        ("model_year", "2012.0", "2012", ""),
        ("model_year", "2,012", "2012", READ_AS_INTEGER),
        ("model_year", "2.012", "2012", READ_AS_INTEGER),
        ("model_year", "1 998", "1998", READ_AS_INTEGER),
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
    assert read_cell("model", cell) == ("", CELL_IS_ERROR, True)


@pytest.mark.parametrize("cell", ["Zo?", "M4 Coup?", "A5 Coup? 2.0", "BMW?"])
def test_a_letter_that_is_lost_at_the_end_of_a_word_is_told(cell: str) -> None:
    assert read_cell("model", cell) == ("", LOST_LETTERS, True)


@pytest.mark.parametrize("codec", ["cp1252", "latin-1", "cp1250", "mac-roman", "cp850", "cp437"])
@pytest.mark.parametrize("make", ["Citroën", "Škoda", "Mégane", "SÉAT"])
def test_words_that_were_read_in_a_wrong_encoding_are_not_taken(make: str, codec: str) -> None:
    read_wrong = make.encode().decode(codec, "ignore")
    if read_wrong.encode(codec) == make.encode():
        assert read_cell("make", read_wrong) == ("", DECODED_TWICE, True)
        assert read_cell("make", read_wrong.replace("\xa0", " ")) == ("", DECODED_TWICE, True)
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
