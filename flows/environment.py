"""Corrects, once per process, the variables of the environment for proxies and for Prefect.

Nothing of Prefect is imported here.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from core.errors import MarqueError

if TYPE_CHECKING:
    from urllib.request import OpenerDirector

LOOPBACK = ("127.0.0.1", "localhost", "::1")
API_URL = "PREFECT_API_URL"
_PLACES = (Path(".env"), Path("prefect.toml"), Path("pyproject.toml"))
"""Files of the working folder that Prefect reads settings from."""


class PrefectSettingsError(MarqueError):
    """Prefect is configured with what it cannot use; the message says what."""


def prepare_environment() -> None:
    """Let this process and those it starts ask servers of this machine without a proxy, and take an
    empty PREFECT_API_URL for an absent one.

    Every HTTP library that we use, and that what we use uses, heeds `no_proxy`; a small letter goes
    before a large one.
    """
    said = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    names = [name.strip() for name in said.split(",") if name.strip()]
    if "*" not in names:
        names += [name for name in LOOPBACK if name not in names]
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(names)
    if not os.environ.get(API_URL, "x").strip():
        del os.environ[API_URL]


def is_loopback(url: str) -> bool:
    """Whether a URL is of this machine."""
    host = urlsplit(url).hostname or ""
    return host in LOOPBACK or host.endswith(".localhost")


def opener_for(url: str) -> "OpenerDirector":
    """An opener for a URL, without a proxy if the URL is on this machine."""
    import urllib.request

    proxies = urllib.request.ProxyHandler({} if is_loopback(url) else None)
    return urllib.request.build_opener(proxies)


def may_be_configured() -> bool:
    """Whether anything that Prefect reads may name a server. Only Prefect can say which, and
    importing it takes seconds."""
    if os.environ.get(API_URL) or os.environ.get("PREFECT_PROFILE"):
        return True
    if any(_speaks_of_prefect(path) for path in _PLACES):
        return True
    home = Path(os.environ.get("PREFECT_HOME") or Path.home() / ".prefect")
    profiles = Path(os.environ.get("PREFECT_PROFILES_PATH") or home / "profiles.toml")
    return API_URL in _text(profiles.expanduser())


def configured_url() -> str | None:
    """The API that Prefect is configured for: by the environment, `.env`, `prefect.toml`,
    `pyproject.toml` or the active profile; None where it is for none."""
    if not may_be_configured():
        return None
    return current_settings().api.url or None


def current_settings() -> Any:
    """Prefect's settings; imports Prefect. Raises `PrefectSettingsError`."""
    try:
        from prefect.settings import get_current_settings

        return get_current_settings()
    except (ValueError, OSError) as error:  # of pydantic and of the readers of TOML, too
        said = " ".join(str(error).split()).partition(" [type=")[0]
        raise PrefectSettingsError(
            f"the settings of Prefect cannot be used ({said}); correct them in the environment "
            "(PREFECT_*), or in .env, prefect.toml, pyproject.toml or the profile, whichever of "
            "them says so"
        ) from error


def _speaks_of_prefect(path: Path) -> bool:
    text = _text(path).lower()
    if path.name == "pyproject.toml":
        return "tool.prefect" in text
    return bool(text) and (path.name == "prefect.toml" or "prefect_" in text)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
