"""Exports of Label Studio, as "JSON" (tasks with annotations) or as "JSON-MIN" (flat records)."""

import json
import math
import reprlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from core.vocabulary_file import LABEL_STUDIO_FIELDS
from labeling.review.returned import LineProblem, RawAnswer, ReviewFile, is_text

USER = "label-studio user "
"""The name of a person of whom Label Studio knows only a number; the number follows."""

_DEEPEST = 3
"""The deepest nesting of lists and objects with people's words."""

_AGAIN = "export it from Label Studio again, as JSON or JSON-MIN"
_OWN = LABEL_STUDIO_FIELDS | {"image_id", "page_url"}
"""Fields of a flat record that are not answers."""


class _DuplicateKeys(dict[str, Any]):
    """An object that has `key` twice, so that its value is unknown."""

    key = ""


def read_json(text: str, by: str | None = None) -> ReviewFile:
    """The answers of an export; `by` names their user if it has only a number, or no name."""
    done = ReviewFile()
    try:
        value = json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        done.lines.append(LineProblem("file", f"it cannot be read as JSON ({error})", _AGAIN))
        return done
    tasks = value if isinstance(value, list) else [value]
    number = _only_number(tasks)
    for at, task in enumerate(tasks, start=1):
        where = f"task {at}"
        if not isinstance(task, dict):
            done.lines.append(LineProblem(where, f"it is not a task but {_short(task)}", _AGAIN))
            continue
        if (twice := _twice(task)) is not None:
            what = f"{_short(twice)} appears twice in one of its objects"
            done.lines.append(LineProblem(where, what, _AGAIN))
            continue
        data = task.get("data")
        if isinstance(data, dict):
            _read_task(where, task, data, done)
        else:
            _read_flat(where, task, done)
    if by:
        done.answers = [
            replace(each, by=by) if not each.by or (number and each.by.startswith(USER)) else each
            for each in done.answers
        ]
    return done


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    twice = _DuplicateKeys(made)
    ((twice.key, _),) = Counter(key for key, _ in pairs).most_common(1)
    return twice


def _twice(task: Any) -> str | None:
    """A key that an object in a task has twice, at any depth."""
    left = [task]
    while left:
        value = left.pop()
        if isinstance(value, _DuplicateKeys):
            return value.key
        if isinstance(value, dict | list):
            left.extend(value.values() if isinstance(value, dict) else value)
    return None


def _short(value: Any) -> str:
    """A value for a message, shortened."""
    return reprlib.repr(value)[:60]


def _text(value: Any) -> str:
    """A value as text; an empty value is ""."""
    return value if isinstance(value, str) else _short(value) if value else ""


def _read_task(
    where: str, task: Mapping[str, Any], data: Mapping[str, Any], done: ReviewFile
) -> None:
    answered = False
    annotations = task.get("annotations")
    for at, each in enumerate(annotations if isinstance(annotations, list) else [], start=1):
        place = f"{where}, annotation {at}"
        if not isinstance(each, dict):
            done.lines.append(LineProblem(place, "it is not an annotation", _AGAIN))
        elif not each.get("was_cancelled"):  # the person skipped it
            for name, words in _results(place, each.get("result"), done):
                answered = True
                _add(place, data.get("image_id"), name, words, each, done)
    done.empty += not answered


def _results(place: str, result: Any, done: ReviewFile) -> Iterator[tuple[str, list[str]]]:
    for item in result if isinstance(result, list) else []:
        value = item.get("value") if isinstance(item, dict) else None
        words = _words(value)
        if words is None:
            what = f"a result is neither choices nor text: {_short(item)}"
            done.lines.append(LineProblem(place, what, "label with the config.xml of the export"))
        else:
            yield _text(item.get("from_name")), words


def _read_flat(where: str, record: Mapping[str, Any], done: ReviewFile) -> None:
    if "image_id" not in record:
        done.lines.append(LineProblem(where, "it names no photo (image_id)", _AGAIN))
        return
    answered = False
    for name, value in record.items():
        if name in _OWN or value is None:
            continue
        words = _words(value)
        if words is None:
            what = f"{_short(name)} is neither choices nor text: {_short(value)}"
            done.lines.append(LineProblem(where, what, "label with the config.xml of the export"))
        elif words:
            answered = True
            _add(where, record["image_id"], name, words, record, done)
    done.empty += not answered


def _words(value: Any, deepest: int = _DEEPEST) -> list[str] | None:
    """The words of a value: a text, a number, a list of these, or what holds one as choices."""
    if isinstance(value, dict | list) and not deepest:
        return None
    if isinstance(value, dict):
        held = [value[name] for name in ("choices", "text", "number") if name in value]
        return _words(held[0], deepest - 1) if held else None
    if isinstance(value, list):
        parts = [_words(each, deepest - 1) for each in value]
        return None if None in parts else [word for part in parts if part for word in part]
    if isinstance(value, float) and not math.isfinite(value):
        return None  # as text, "nan" would leave the label open
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return [str(value).strip()] if str(value).strip() else []
    return None


def _add(
    where: str,
    image_id: Any,
    name: str,
    words: list[str],
    about: Mapping[str, Any],
    done: ReviewFile,
) -> None:
    """Add an answer; `about` has who gave it and when."""
    who = _who(about.get("completed_by", about.get("annotator")))
    when = _text(about.get("updated_at") or about.get("created_at"))
    answer = RawAnswer(where, _text(image_id), name, tuple(words), who, when)
    if all(map(is_text, (answer.image_id, name, *words, who, when))):
        done.answers.append(answer)
    else:
        done.lines.append(
            LineProblem(where, f"{_short(name)} holds bytes that are not UTF-8", _AGAIN)
        )


def _who(value: Any) -> str:
    """The name of a person, or else "label-studio user 7"."""
    if isinstance(value, dict):
        named = _text(value.get("email") or value.get("username"))
        number = value.get("id")
        return named or ("" if isinstance(number, dict) else _who(number))
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{USER}{value}"
    return value.strip() if isinstance(value, str) else ""


def _only_number(tasks: list[Any]) -> bool:
    """Whether all annotations are of one user that is named by number."""
    found = set()
    for task in tasks:
        if isinstance(task, dict):
            annotations = task.get("annotations")
            each = annotations if isinstance(annotations, list) else [task]
            found |= {_who(a.get("completed_by", a.get("annotator"))) for a in each
                      if isinstance(a, dict)}  # fmt: skip
    return len(found - {""}) == 1
