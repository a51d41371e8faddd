"""The settings: what was given and by whom, and what can be used of them where some cannot."""

import os
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from core.errors import MarqueError
from flows.settings import Settings, SettingsError, load_settings
from marque.checks.check import Check, CheckContext

FILE = "marque.toml"


def check_settings(context: CheckContext) -> Iterator[Check]:
    """Whether all settings can be used, and what gave them."""
    settings, wrong = context.settings, False
    try:
        load_settings()
    except SettingsError as error:
        wrong = True
        advice = "correct them; the checks below were made without them"
        yield Check("settings", "problem", str(error), advice)
    try:
        _ = settings.model
    except MarqueError as error:
        wrong = True
        yield Check("settings", "problem", f"semantic_model: {error}")
    if wrong:
        return
    given = dict.fromkeys(_of_file(), str(Path(FILE).resolve()))
    given |= {name: f"MARQUE_{name.upper()}" for name in _of_environment()}
    given = {name: by for name, by in given.items() if name in Settings.model_fields}
    if context.home_given:
        given |= dict.fromkeys(("home", "catalog"), "--home")
    found = f"home {settings.home_path}, catalog {settings.catalog_uri}, "
    if given:
        found += "given: " + ", ".join(f"{name} ({by})" for name, by in given.items())
    else:
        found += f"nothing given by MARQUE_* or {Path(FILE).resolve()}"
    facts = {"home": str(settings.home_path), "catalog": settings.catalog_uri}
    values = {n: {"value": str(getattr(settings, n)), "by": by} for n, by in given.items()}
    yield Check("settings", "ok", found, facts=facts | {"given": values})


def usable_settings() -> Settings:
    """The settings; where some cannot be used, these have their defaults."""
    with suppress(SettingsError):
        return load_settings()
    good: dict[str, Any] = {}
    for name, value in (_of_file() | _of_environment()).items():
        if (field := Settings.model_fields.get(name)) is None:
            continue
        kind: Any = field.annotation
        for rule in field.metadata:
            kind = Annotated[kind, rule]
        with suppress(ValidationError):
            good[name] = TypeAdapter(kind).validate_python(value)
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    return Settings.model_construct(**(defaults | good))


def _of_file() -> dict[str, Any]:
    try:
        return tomllib.loads(Path(FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _of_environment() -> dict[str, str]:
    return {
        name.removeprefix("MARQUE_").lower(): value
        for name, value in os.environ.items()
        if name.startswith("MARQUE_") and value
    }
