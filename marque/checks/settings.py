"""The settings: what was given and by whom, and what can be used of them where some cannot."""

import os
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from core.errors import MarqueError
from flows.settings import Settings, SettingsError, load_settings
from marque.checks.check import Check

FILE = "marque.toml"


def check_settings(*, home_given: bool) -> tuple[Settings, list[Check]]:
    """The settings, or as many of them as can be used, and what is to say of them.

    `home_given` tells that the command line named the home folder.
    """
    problems = []
    try:
        settings = load_settings()
    except SettingsError as error:
        settings = readable_settings()
        advice = "correct them; the checks below were made without them"
        problems.append(Check("settings", "problem", str(error), advice))
    try:
        _ = settings.model
    except MarqueError as error:
        problems.append(Check("settings", "problem", f"semantic_model: {error}"))
    sources = {name: source for name, source in _sources().items() if name in Settings.model_fields}
    if home_given:
        sources |= dict.fromkeys(("home", "catalog"), "--home")
    facts = {
        "home": str(settings.home_path),
        "catalog": settings.catalog_uri,
        "given": {
            name: {"value": str(getattr(settings, name)), "by": by} for name, by in sources.items()
        },
    }
    found = f"home {settings.home_path}, catalog {settings.catalog_uri}, " + (
        "given: " + ", ".join(f"{name} ({by})" for name, by in sources.items())
        if sources
        else f"nothing given by MARQUE_* or {Path(FILE).resolve()}"
    )
    return settings, problems or [Check("settings", "ok", found, facts=facts)]


def readable_settings() -> Settings:
    """The settings without those that cannot be used, which have their defaults."""
    good: dict[str, Any] = {}
    for name, value in _values().items():
        if (field := Settings.model_fields.get(name)) is None:
            continue
        kind: Any = field.annotation
        for rule in field.metadata:
            kind = Annotated[kind, rule]
        with suppress(ValidationError):
            good[name] = TypeAdapter(kind).validate_python(value)
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    return Settings.model_construct(**(defaults | good))


def _sources() -> dict[str, str]:
    """Setting -> what gave it: a variable of the environment, or the file."""
    given = dict.fromkeys(_of_file(), str(Path(FILE).resolve()))
    return given | {name: f"MARQUE_{name.upper()}" for name in _of_environment()}


def _values() -> dict[str, Any]:
    return _of_file() | _of_environment()


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
