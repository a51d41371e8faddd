"""Exports of Label Studio, as "JSON" (tasks with annotations) or as "JSON-MIN" (flat records)."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from labeling.review.returned import Answer, Line, Returned, is_text

USER = "label-studio user "
"""How a person is called whom Label Studio names by number only."""

_AGAIN = "export it from Label Studio again, as JSON or JSON-MIN"
_OWN = frozenset(
    {"id", "image", "image_id", "question", "page_url", "annotator", "annotation_id", "agreement",
     "created_at", "updated_at", "lead_time"}
)  # fmt: skip
"""Fields of a flat record that are no answers."""


def read_json(text: str, by: str | None = None) -> Returned:
    """The answers of an export; `by` names its users where all annotations are of one number."""
    done = Returned()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        done.lines.append(Line("file", f"it cannot be read as JSON ({error})", _AGAIN))
        return done
    tasks = value if isinstance(value, list) else [value]
    number = _only_number(tasks)
    for at, task in enumerate(tasks, start=1):
        where = f"task {at}"
        if not isinstance(task, dict):
            done.lines.append(Line(where, f"it is no task but {str(task)[:40]!r}", _AGAIN))
            continue
        data = task.get("data")
        if isinstance(data, dict):
            _read_task(where, task, data, done)
        else:
            _read_flat(where, task, done)
    done.answers = [_named(answer, by, number) for answer in done.answers]
    return done


def _read_task(
    where: str, task: Mapping[str, Any], data: Mapping[str, Any], done: Returned
) -> None:
    answered = False
    annotations = task.get("annotations")
    for at, each in enumerate(annotations if isinstance(annotations, list) else [], start=1):
        place = f"{where}, annotation {at}"
        if not isinstance(each, dict):
            done.lines.append(Line(place, "it is no annotation", _AGAIN))
        elif not each.get("was_cancelled"):  # the person skipped it
            for name, words in _results(place, each.get("result"), done):
                answered = True
                _add(place, data.get("image_id"), name, words, each, done)
    done.empty += not answered


def _results(place: str, result: Any, done: Returned) -> Iterator[tuple[str, list[str]]]:
    for item in result if isinstance(result, list) else []:
        value = item.get("value") if isinstance(item, dict) else None
        words = _words(value)
        if words is None:
            what = f"a result is neither choices nor text: {str(item)[:60]!r}"
            done.lines.append(Line(place, what, "label with the config.xml of the export"))
        else:
            yield str(item.get("from_name", "")), words


def _read_flat(where: str, record: Mapping[str, Any], done: Returned) -> None:
    answers = {name: _words(value) for name, value in record.items() if name not in _OWN}
    said = {name: words for name, words in answers.items() if words}
    if "image_id" not in record:
        done.lines.append(Line(where, "it names no photo (image_id)", _AGAIN))
        return
    for name, words in said.items():
        _add(where, record["image_id"], name, words, record, done)
    done.empty += not said


def _words(value: Any) -> list[str] | None:
    """The words of a value: a text, a number, a list of these, or what holds one as choices."""
    if isinstance(value, dict):
        held = [value[name] for name in ("choices", "text", "number") if name in value]
        return _words(held[0]) if held else None
    if isinstance(value, list):
        parts = [_words(each) for each in value]
        return None if None in parts else [word for part in parts if part for word in part]
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return [str(value).strip()] if str(value).strip() else []
    return None


def _add(
    where: str,
    image_id: Any,
    name: str,
    words: list[str],
    about: Mapping[str, Any],
    done: Returned,
) -> None:
    """Take an answer in; `about` is what says by whom and when it was given."""
    who = _who(about.get("completed_by", about.get("annotator")))
    when = str(about.get("updated_at") or about.get("created_at") or "")
    answer = Answer(where, str(image_id or ""), name, tuple(words), who, when)
    if all(map(is_text, (answer.image_id, name, *words, who, when))):
        done.answers.append(answer)
    else:
        done.lines.append(Line(where, f"{name} holds bytes that are not UTF-8", _AGAIN))


def _who(value: Any) -> str:
    """A name, where there is one, or "label-studio user 7"."""
    if isinstance(value, dict):
        named = value.get("email") or value.get("username")
        return str(named) if named else _who(value.get("id"))
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


def _named(answer: Answer, by: str | None, only: bool) -> Answer:
    unnamed = not answer.by or (only and answer.by.startswith(USER))
    return replace(answer, by=by) if by and unnamed else answer
