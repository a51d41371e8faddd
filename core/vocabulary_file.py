"""The format of a vocabulary file: loading, checking and merging."""

import re
import tomllib
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from core.errors import MarqueError
from core.text import clean

_INT32 = (-(2**31), 2**31 - 1)  # numbers are stored in 32 bits
RESERVED_COLUMNS = frozenset(
    """image_id source source_id page_url image_url license license_url creator attribution split
    width height thumbnail evidence labelled_with semantic""".split()  # noqa: SIM905 - shorter than a list by ten lines
)
"""Columns of `cars` that are not labels."""

LABEL_STUDIO_FIELDS = frozenset(
    """id image question annotator annotation_id agreement created_at updated_at lead_time
    completed_by annotations data""".split()  # noqa: SIM905 - as above
)
"""Fields of Label Studio's records that are not answers."""

DERIVED_SUFFIXES = ("_origin", "_confidence", "_version")
"""Suffixes of the columns of `cars` that belong to a label or a vector."""

LONGEST_VALUE = 200
"""Most characters of a value."""


class VocabularyError(MarqueError, ValueError):
    """A vocabulary file is wrong, or the vocabulary lacks an attribute."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class OneOfSpec(_Strict):
    """Words that mean one of two or more values without saying which."""

    values: list[str]
    words: list[str]


class AttributeSpec(_Strict):
    """One `[attributes.NAME]` table; `kind` may be absent if another file gives it.

    The last fields say how networks are asked: `templates` with `{}` for a value's `prompts`,
    `without` for sentences that the value is absent (attributes with `many`), the `views` in which
    the question makes sense, and `swatches`, paints of a value as `#rrggbb`.
    """

    kind: Literal["closed", "open", "number"] | None = None
    many: bool = False
    range: list[int] | None = None
    dates: bool = False
    words: dict[str, list[str]] = {}
    one_of: list[OneOfSpec] = []
    none: list[str] = []
    nothing: list[str] = []
    templates: list[str] | None = None
    without: list[str] = []
    prompts: dict[str, list[str]] = {}
    views: list[str] = []
    swatches: dict[str, list[str]] = {}

    @field_validator("templates", "without")
    @classmethod
    def _one_place(cls, templates: list[str] | None) -> list[str] | None:
        for each in templates or []:
            if each.count("{}") != 1 or set("{}") & set(each.replace("{}", "")):
                raise ValueError(
                    f"the template {each!r} must have {{}} once, where the value goes, and no "
                    "other brace"
                )
        return templates

    @field_validator("prompts")
    @classmethod
    def _prompts_say_something(cls, prompts: dict[str, list[str]]) -> dict[str, list[str]]:
        for value, texts in prompts.items():
            if not all(text.strip() for text in texts):
                raise ValueError(f"a prompt of {value!r} is blank: remove it, or write [] for none")
        return prompts

    @field_validator("swatches")
    @classmethod
    def _paints(cls, swatches: dict[str, list[str]]) -> dict[str, list[str]]:
        for each in (paint for paints in swatches.values() for paint in paints):
            if not re.fullmatch(r"#[0-9a-fA-F]{6}", each):
                raise ValueError(f"the swatch {each!r} is not a color; write it as #rrggbb")
        return swatches

    @field_validator("range")
    @classmethod
    def _two_rising_int32(cls, bounds: list[int] | None) -> list[int] | None:
        if bounds is None:
            return None
        if len(bounds) != 2 or not _INT32[0] <= bounds[0] <= bounds[1] <= _INT32[1]:
            raise ValueError("write the lowest and the highest number of 32 bits, as [0, 100]")
        return bounds

    @field_validator("words")
    @classmethod
    def _values_are_words(cls, words: dict[str, list[str]]) -> dict[str, list[str]]:
        for value in words:
            if not value.strip() or value != " ".join(value.split()):
                raise ValueError(f"the value {value!r} is empty or has stray blanks: trim it")
            if clean(value) != value:
                raise ValueError(
                    f"the value {value!r} has characters that nobody sees: remove them"
                )
            if len(value) > LONGEST_VALUE:
                raise ValueError(
                    f"the value {value[:40] + '...'!r} has {len(value)} characters; write at most "
                    f"{LONGEST_VALUE}"
                )
        return words

    @model_validator(mode="after")
    def _fits_kind(self) -> Self:
        if self.kind == "number" and (self.words or self.one_of or self.many or not self.range):
            raise ValueError("a number takes a range and no words, one_of or many")
        if self.kind == "number" and self.templates:
            raise ValueError("networks are not asked for a number: remove its templates")
        if self.kind != "number" and self.kind and (self.range or self.dates):
            raise ValueError("only a number takes a range or dates")
        if self.kind == "closed" and not self.words:
            raise ValueError("a closed attribute needs values: add a words table")
        if self.one_of and (self.many or self.kind == "open"):
            raise ValueError("one_of is for closed attributes with one value at a time")
        if self.kind == "open" and self.many:
            raise ValueError("an attribute with several values at once must be closed")
        return self

    def check_asking(self, name: str) -> None:
        """Raise `VocabularyError` if the questions to networks do not fit the attribute."""
        strange = [each for each in (*self.prompts, *self.swatches) if each not in self.words]
        if strange:
            raise VocabularyError(
                f"{name}: prompts and swatches are for its values; {strange[0]!r} is not one of "
                "them: add it to its words or correct it"
            )
        if self.many and self.templates and not self.without:
            raise VocabularyError(
                f"{name}: an attribute with many = true and templates also needs without: "
                "sentences that say that a value is absent"
            )
        if self.without and not self.many:
            raise VocabularyError(f"{name}: without is for attributes with many = true: remove it")


class VocabularyFile(_Strict):
    """A complete vocabulary file; `models.toml` explains the tables of models."""

    nothing: list[str] = []
    attributes: dict[str, AttributeSpec] = {}
    models: dict[str, list[str]] = {}
    codes: dict[str, dict[str, list[str]]] = {}
    alone: list[str] = []
    ordinary: list[str] = []

    @field_validator("attributes")
    @classmethod
    def _names_are_columns(cls, attributes: dict[str, AttributeSpec]) -> dict[str, AttributeSpec]:
        for name in attributes:
            taken = name in RESERVED_COLUMNS | LABEL_STUDIO_FIELDS or name.endswith(
                DERIVED_SUFFIXES
            )
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or taken:
                raise ValueError(
                    f"an attribute cannot be named {name!r}: use small letters, digits and _, "
                    f"no end of {', '.join(DERIVED_SUFFIXES)}, and none of "
                    f"{', '.join(sorted(RESERVED_COLUMNS | LABEL_STUDIO_FIELDS))}"
                )
        return attributes


def load_vocabulary_file(path: Path) -> VocabularyFile:
    """Read and check one file; raises `VocabularyError` with the place and the value."""
    try:
        return VocabularyFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise VocabularyError(f"cannot read the vocabulary {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise VocabularyError(f"{path} is not a TOML file in UTF-8: {error}") from error
    except ValidationError as error:
        found = error.errors()[0]
        place = ".".join(str(part) for part in found["loc"])
        raise VocabularyError(
            f"{path}: {place}: {found['msg'].removeprefix('Value error, ')}; "
            f"found {str(found['input'])[:200]}"
        ) from error


def merge_files(base: VocabularyFile, extra: VocabularyFile) -> VocabularyFile:
    """`base` followed by the attributes, values and words of `extra`."""
    attributes = dict(base.attributes)
    for name, spec in extra.attributes.items():
        attributes[name] = _merge_specs(name, attributes.get(name), spec)
    return VocabularyFile(
        nothing=base.nothing + extra.nothing,
        attributes=attributes,
        models=_merge_lists(base.models, extra.models),
        codes={
            make: _merge_lists(base.codes.get(make, {}), extra.codes.get(make, {}))
            for make in base.codes | extra.codes
        },
        alone=base.alone + extra.alone,
        ordinary=base.ordinary + extra.ordinary,
    )


def _merge_specs(name: str, base: AttributeSpec | None, extra: AttributeSpec) -> AttributeSpec:
    if base is None:
        if extra.kind is None:
            raise VocabularyError(
                f"the new attribute {name!r} has no kind: "
                'add kind = "closed", "open" or "number", or correct the name'
            )
        return extra
    changed = extra.model_fields_set & {"kind", "many", "range", "dates"}
    if any(getattr(extra, field) != getattr(base, field) for field in changed):
        raise VocabularyError(
            f"{name!r} exists already and its {', '.join(sorted(changed))} cannot be changed: "
            "leave that out, or give the attribute another name"
        )
    templates = base.templates
    if extra.templates is not None:  # an empty list stops asking
        templates = (base.templates or []) + extra.templates if extra.templates else []
    # An empty list of prompts removes the value from the answers.
    emptied: dict[str, list[str]] = {
        value: [] for value, texts in extra.prompts.items() if not texts
    }
    fields = base.model_dump() | {
        "words": _merge_lists(base.words, extra.words),
        "one_of": [spec.model_dump() for spec in base.one_of + extra.one_of],
        "none": base.none + extra.none,
        "nothing": base.nothing + extra.nothing,
        "templates": templates,
        "without": base.without + extra.without,
        "prompts": _merge_lists(base.prompts, extra.prompts) | emptied,
        "views": list(dict.fromkeys(base.views + extra.views)),
        "swatches": _merge_lists(base.swatches, extra.swatches),
    }
    try:
        return AttributeSpec.model_validate(fields)
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise VocabularyError(f"{name}: {message}") from error


def _merge_lists(base: dict[str, list[str]], extra: dict[str, list[str]]) -> dict[str, list[str]]:
    return {key: base.get(key, []) + extra.get(key, []) for key in (base | extra)}
