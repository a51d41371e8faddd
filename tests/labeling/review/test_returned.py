"""Files as people give them back, with the faults that such files have."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.spreadsheet import csv_line
from labeling.review.load import load_returned
from labeling.review.returned import RawAnswer, ReviewFile
from labeling.review.returned_csv import HEADER, read_csv
from labeling.review.returned_json import read_json
from tests.labeling.review.making import write

KEY = "0123456789ab"
HEAD = "image_id,attribute,decision,by,decided_at"
GOOD = f"{KEY},color,red,ann,2026-11-02"
ANSWER = RawAnswer("line 2", KEY, "color", ("red",), "ann", "2026-11-02")


def told(done: ReviewFile) -> list[tuple[str, str]]:
    return [(line.where, line.what) for line in done.lines]


def load(tmp_path: Path, *lines: str, **how: str) -> ReviewFile:
    return load_returned(write(tmp_path / "review.csv", *lines, **how))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_line_ends_separators_and_marks_of_spreadsheets(
    tmp_path: Path, end: str, separator: str, encoding: str
) -> None:
    lines = [line.replace(",", separator) for line in (HEAD, GOOD)]
    done = load(tmp_path, *lines, end=end, encoding=encoding)
    assert (done.answers, done.lines, done.empty) == ([ANSWER], [], 0)


def test_columns_in_any_order_and_more_of_them(tmp_path: Path) -> None:
    done = load(tmp_path, "note, Decision ,BY,attribute,image_id", f"x,red,ann,color,{KEY}")
    assert done.answers == [RawAnswer("line 2", KEY, "color", ("red",), "ann", "")]


def test_rows_left_empty_are_counted_and_are_no_fault(tmp_path: Path) -> None:
    empty = [f"{KEY},color,,,", f"{KEY},view, ,ann,", ",,,,", ""]
    done = load(tmp_path, HEAD, *empty, GOOD)
    assert (done.empty, told(done)) == (2, [])
    assert [answer.where for answer in done.answers] == ["line 6"]


def test_a_row_that_is_dated_and_decides_nothing(tmp_path: Path) -> None:
    done = load(tmp_path, HEAD, f"{KEY},color,,ann,2026-11-02", GOOD)
    assert told(done) == [("line 2", "it is dated and decides nothing")]
    assert len(done.answers) == 1


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        (f'{KEY},color,"red,ann,', "it is not a line of CSV"),
        (f'{KEY},color,"red"x,ann,', "it is not a line of CSV"),
        (f"{KEY},color,red", "it has 3 cells and the first line 5"),
        (f"{KEY},color,red,ann,2026-11-02,more", "it has 6 cells and the first line 5"),
    ],
)
def test_a_broken_line_loses_no_other(tmp_path: Path, broken: str, what: str) -> None:
    more = f'{KEY},view,"exterior","bob",'
    done = load(tmp_path, HEAD, broken, GOOD, more, broken)
    assert [where for where, _ in told(done)] == ["line 2", "line 5"]
    assert all(what in said for _, said in told(done))
    assert [answer.where for answer in done.answers] == ["line 3", "line 4"]


def test_a_cell_of_two_lines(tmp_path: Path) -> None:
    done = load(
        tmp_path, HEAD + ",note", f'{KEY},color,red,ann,2026-11-02,"two\nlines"', GOOD + ","
    )
    assert [answer.where for answer in done.answers] == ["line 2", "line 4"]
    assert done.lines == []


def test_a_wrong_encoding_spoils_the_rows_that_it_touches(tmp_path: Path) -> None:
    words = [HEAD, GOOD, f"{KEY},color,weiß,ann,", f"{KEY},color,blue,Jörg,"]
    done = load(tmp_path, *words, encoding="cp1252")
    assert done.answers == [ANSWER]
    assert told(done) == [
        ("line 3", "decision holds bytes that are not UTF-8"),
        ("line 4", "by holds bytes that are not UTF-8"),
    ]
    assert all("UTF-8" in line.do for line in done.lines)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "there is no column image_id, attribute, decision"),
        (b"image_id,decision\n", "there is no column attribute"),
        (b"image_id,attribute,decision,by,By\n", "column by appears twice"),
        (b"\xff\xfea\x00b", "it is not text"),
        ("a,b".encode("utf-16-le"), "it is not text"),
        (b'[{"data": ', "it cannot be read as JSON"),
        (b"[" * 100_000, "it cannot be read as JSON"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    done = load_returned(path)
    assert (len(done.lines), done.answers) == (1, [])
    assert what in done.lines[0].what
    assert done.lines[0].do


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "No such file" in load_returned(tmp_path / "absent").lines[0].what
    assert "directory" in load_returned(tmp_path).lines[0].what


def test_who_decided_where_the_file_does_not_say(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", HEAD, f"{KEY},color,red,,", f"{KEY},view,detail,bob,")
    assert [answer.by for answer in load_returned(path, "ann").answers] == ["ann", "bob"]


def test_what_an_open_attribute_may_be_called(tmp_path: Path) -> None:
    names = ["=cmd()", "-1 Coupe", "+", "@home", "'t Hooft", "Kia;Rio", 'the "One"']
    rows = [dict.fromkeys(HEADER, "") | {"image_id": KEY, "attribute": "make", "decision": name,
            "label": name} for name in names]  # fmt: skip
    text = csv_line(HEADER, "\r\n") + "".join(csv_line(row.values(), "\r\n") for row in rows)
    assert "\n=cmd" not in text
    assert ",=cmd" not in text
    assert [answer.words for answer in read_csv(text).answers] == [(name,) for name in names]


# Label Studio


def annotation(by: Any, *results: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": 1001,
        "completed_by": by,
        "result": list(results),
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2026-11-02T09:00:00.728353Z",
        "updated_at": "2026-11-02T10:00:00.728378Z",
        "lead_time": 4.288,
        "task": 1,
    } | more


def choice(name: str, *values: str) -> dict[str, Any]:
    return {"id": "x", "from_name": name, "to_name": "the-photo", "type": "choices",
            "origin": "manual", "value": {"choices": list(values)}}  # fmt: skip


def task(*annotations: Any, **more: Any) -> dict[str, Any]:
    return {"id": 1, "data": {"image": "data:,", "image_id": KEY}, "annotations": list(annotations),
            "predictions": [{"result": [choice("color", "blue")]}]} | more  # fmt: skip


def read(*tasks: Any, by: str | None = None) -> ReviewFile:
    return read_json(json.dumps(tasks), by)


WHEN = "2026-11-02T10:00:00.728378Z"


def test_annotations_are_decisions_and_predictions_are_not() -> None:
    text = {
        "from_name": "make",
        "to_name": "the-photo",
        "type": "textarea",
        "value": {"text": ["Kia"]},
    }
    year = {"from_name": "model_year", "type": "number", "value": {"number": 2012}}
    done = read(
        task(annotation(7, choice("color", "red"), text, year)),
        task(annotation({"id": 8, "email": "bob@example.org"}, choice("people", "man", "woman"))),
        task(),
        {"data": {"image_id": KEY}, "predictions": [{"result": [choice("color", "blue")]}]},
    )
    first = "task 1, annotation 1"
    assert done.answers == [
        RawAnswer(first, KEY, "color", ("red",), "label-studio user 7", WHEN),
        RawAnswer(first, KEY, "make", ("Kia",), "label-studio user 7", WHEN),
        RawAnswer(first, KEY, "model_year", ("2012",), "label-studio user 7", WHEN),
        RawAnswer("task 2, annotation 1", KEY, "people", ("man", "woman"), "bob@example.org", WHEN),
    ]
    assert (done.empty, done.lines) == (2, [])


def test_skipped_and_empty_annotations_decide_nothing() -> None:
    skipped = annotation(1, choice("color", "red"), was_cancelled=True)
    done = read(
        task(skipped), task(annotation(1)), task(skipped, annotation(2, choice("view", "x")))
    )
    assert (done.empty, len(done.answers)) == (2, 1)


def test_the_time_of_creation_where_there_is_no_other() -> None:
    done = read(task(annotation(1, choice("color", "red"), updated_at=None)))
    assert done.answers[0].decided_at == "2026-11-02T09:00:00.728353Z"


def test_a_name_for_the_only_user() -> None:
    one = task(annotation(1, choice("color", "red")))
    other = task(annotation(2, choice("color", "red")))
    named = task(annotation("bob", choice("color", "red")))
    assert {a.by for a in read(one, one, by="ann").answers} == {"ann"}
    assert {a.by for a in read(one, other, by="ann").answers} == {
        "label-studio user 1", "label-studio user 2"
    }  # fmt: skip
    assert {a.by for a in read(named, by="ann").answers} == {"bob"}
    nobody = task(annotation(None, choice("color", "red")))
    assert {a.by for a in read(nobody, by="ann").answers} == {"ann"}


def test_json_min_with_one_and_several_values() -> None:
    flat = {"image": "data:,", "image_id": KEY, "question": "?", "page_url": "", "id": 3,
            "color": "red", "people": {"choices": ["man", "woman"]}, "annotator": 7, "make": [],
            "annotation_id": 5, "created_at": "2026-11-02T09:00:00Z", "updated_at": WHEN,
            "lead_time": 2.5}  # fmt: skip
    done = read(flat, {**flat, "color": [], "people": None}, {"color": "red"})
    assert done.answers == [
        RawAnswer("task 1", KEY, "color", ("red",), "label-studio user 7", WHEN),
        RawAnswer("task 1", KEY, "people", ("man", "woman"), "label-studio user 7", WHEN),
    ]
    assert done.empty == 1
    assert told(done) == [("task 3", "it names no photo (image_id)")]


def test_what_is_no_task_costs_no_other() -> None:
    box = {"from_name": "box", "type": "rectanglelabels", "value": {"x": 1, "y": 2}}
    half = task(annotation(1, choice("color", "re\ud800d")))
    done = read(3, task("x"), task(annotation(1, box, choice("color", "red"))), half)
    assert [answer.words for answer in done.answers] == [("red",)]
    assert [where for where, _ in told(done)] == [
        "task 1", "task 2, annotation 1", "task 3, annotation 1", "task 4, annotation 1"
    ]  # fmt: skip


@pytest.mark.parametrize("depth", [4, 100, 300, 600, 900, 5_000, 50_000])
@pytest.mark.parametrize(
    "field", ["color", "image_id", "annotator", "updated_at", "completed_by", "result"]
)
@pytest.mark.parametrize(("left", "right"), ["[]", ('{"id":', "}"), ('{"choices":', "}")])
def test_what_lies_too_deep_is_told(depth: int, field: str, left: str, right: str) -> None:
    deep = left * depth + '"red"' + right * depth
    flat = f'{{"image_id": "{KEY}", "color": "red", "annotator": 7, "{field}0": 1}}'
    flat = flat.replace(f'"{field}":', '"was":').replace(f'"{field}0": 1', f'"{field}": {deep}')
    about = json.dumps(task(annotation(7, choice("color", "red"), {"value": "deep"})))
    nested = about.replace('"deep"', deep)
    done = read_json(f"[{flat}, {nested}, {deep}]")
    assert done.lines
    assert all(len(line.what) < 150 for line in done.lines)
    if field == "color" and depth < 900:
        assert [line.where for line in done.lines][:2] == ["task 1", "task 2, annotation 1"]
        assert "is neither choices nor text" in done.lines[0].what
        assert [answer.words for answer in done.answers if answer.attribute == "color"] == [
            ("red",)
        ]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_number_decides_nothing(number: str) -> None:
    year = {"from_name": "model_year", "type": "number", "value": {"number": 2012}}
    text = json.dumps([task(annotation(7, year)), {"image_id": KEY, "model_year": 2012}])
    done = read_json(text.replace("2012", number))
    assert done.answers == []
    assert [line.where for line in done.lines] == ["task 1, annotation 1", "task 2"]
    assert all("neither choices nor text" in line.what for line in done.lines)


def test_a_key_that_stands_twice_spoils_its_task_and_no_other() -> None:
    flat = f'{{"image_id": "{KEY}", "color": "red", "color": "blue"}}'
    good = json.dumps(task(annotation(1, choice("color", "red"))))
    nested = good.replace('"choices": ["red"]', '"choices": ["red"], "choices": ["blue"]')
    done = read_json(f"[{flat}, {nested}, {good}]")
    assert told(done) == [
        ("task 1", "'color' appears twice in one of its objects"),
        ("task 2", "'choices' appears twice in one of its objects"),
    ]
    assert [answer.where for answer in done.answers] == ["task 3, annotation 1"]


def test_a_single_task_is_a_list_of_one() -> None:
    assert len(read_json(json.dumps(task(annotation(1, choice("color", "red"))))).answers) == 1


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["data", "annotations", "result", "value", "choices", "text", "image_id",
                         "from_name", "completed_by", "annotator", "id", "was_cancelled"]),
        inner, max_size=4),
    max_leaves=20,
))  # fmt: skip
def test_no_json_breaks_the_reader(value: Any) -> None:
    done = read_json(json.dumps(value))
    assert all(line.what and line.do for line in done.lines)


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    done = read_csv(HEAD + "\n" + text)
    assert all(answer.words[0] for answer in done.answers)
    assert all(line.what and line.do for line in done.lines)
