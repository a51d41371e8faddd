"""Packages, home folder, room on the disks, and the Prefect server."""

import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from core.errors import MarqueError
from flows.environment import configured_url
from flows.server.find import api_problem
from flows.server.process import FULL_BYTES, load_running
from flows.server.watch import is_up
from marque.checks.check import INSTALL, Check, CheckContext, LateError, begin

PACKAGES_SHOWN = (
    *("marque", "torch", "torchvision", "open_clip_torch", "prefect"),
    *("lancedb", "pylance", "pyarrow", "pillow"),
)
LITTLE_BYTES = 2**30  # the default model's weights and a few thousand photos
SERVER_SECONDS = 5.0


def check_versions(_context: CheckContext) -> Iterator[Check]:
    """The versions of Marque's dependencies, compared with those it is known to work with."""
    found = {"python": platform.python_version()}
    found |= {name: _version(name) or "absent" for name in PACKAGES_SHOWN}
    wrong = []
    for needed in map(Requirement, requires("marque") or []):
        there = _version(needed.name)
        if there is None or not needed.specifier.contains(there, prereleases=True):
            wrong.append(f"{needed.name} {there or 'absent'} (Marque needs {needed})")
    text = ", ".join(f"{name} {number}" for name, number in found.items())
    if wrong:
        text = f"{text}; not as needed: {', '.join(wrong)}"
        yield Check("versions", "warning", text, INSTALL, found)
    else:
        yield Check("versions", "ok", text, facts=found)


def check_home(context: CheckContext) -> Iterator[Check]:
    """Whether the home folder can be written, tried by writing."""
    home = context.settings.home_path
    there = nearest(home)
    facts = {"home": str(home), "exists": home.exists()}
    try:
        if not there.is_dir():
            raise NotADirectoryError(20, "it is not a folder", str(there))
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"\0" * 4096)
            file.flush()
    except OSError as error:
        found = f"{there} cannot be written: {error.strerror or error}"
        advice = "make it writable or make room, or name another place with MARQUE_HOME"
        yield Check("home", "problem", found, advice, facts)
        return
    found = f"{home} can be written"
    if not home.exists():
        found = f"{home} is not there yet and can be made in {there}"
    yield Check("home", "ok", found, facts=facts)


def check_disk(context: CheckContext) -> Iterator[Check]:
    """The room on the disk of the home folder and, where it is another, of the catalog."""
    home, uri = context.settings.home_path, context.settings.catalog_uri
    places = {home: 0}
    if "://" not in uri:
        catalog = Path(uri).expanduser().resolve()
        same = nearest(catalog).stat().st_dev == nearest(home).stat().st_dev
        places[home if same else catalog] = _size(catalog)
    for place, size in places.items():
        usage = shutil.disk_usage(nearest(place))
        facts = {"place": str(place), "free": usage.free, "total": usage.total, "catalog": size}
        found = f"{_gb(usage.free)} of {_gb(usage.total)} free for {place}"
        if size:
            found += f"; the catalog takes {_gb(size)}"
        if usage.free < FULL_BYTES:
            yield Check("disk", "problem", found, "the disk is full: make room on it", facts)
        # New vectors for all photos are written beside the old ones, which searches keep reading.
        elif usage.free < max(LITTLE_BYTES, size // 4):
            yield Check("disk", "warning", found, "make room before the next large run", facts)
        else:
            yield Check("disk", "ok", found, facts=facts)


def nearest(path: Path) -> Path:
    """The path itself, or the closest folder above it that exists."""
    for each in (path, *path.parents):
        try:
            each.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        return each
    raise MarqueError(f"nothing of {path} exists; check the path")


def _size(folder: Path) -> int:
    if not folder.is_dir():
        return 0
    sizes = 0
    for path in folder.rglob("*"):
        try:
            sizes += path.stat().st_size
        except FileNotFoundError:
            continue  # a run that is at work replaces files
    return sizes


def _gb(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.1f} MB"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def check_server(context: CheckContext) -> Iterator[Check]:
    """Whether the Prefect server that commands would use answers: the configured one, or that of
    the home folder; none is needed."""
    if (url := configured_url()) is not None:
        yield _configured(url)
        return
    if (own := load_running(context.settings.home_path / "prefect")) is None:
        found = "none runs and none is needed; `marque up` starts one, in whose pages runs show"
        yield Check("prefect", "ok", found, facts={"url": None})
        return
    facts = {"url": own.url, "pid": own.pid}
    found = f"the server of this home is at {own.pages} (process {own.pid})"
    with suppress(TimeoutError):
        if is_up(own.url, SERVER_SECONDS):
            yield Check("prefect", "ok", f"{found}, and answers", facts=facts)
            return
    advice = (
        "look again in a minute, it may be busy; else end it where `marque up` runs and start "
        "it again, or run without one"
    )
    yield Check("prefect", "warning", f"{found}, and does not answer", advice, facts)


def _configured(url: str) -> Check:
    facts = {"url": url, "configured": True}
    try:
        error = begin(api_problem)(3 * SERVER_SECONDS)  # Prefect's client takes seconds to import
    except LateError as late:
        error = late
    if error is None:
        return Check("prefect", "ok", f"configured to use {url}, which answers", facts=facts)
    found = f"configured to use {url}, which does not answer: {error}"
    advice = (
        "start that server, or unset PREFECT_API_URL (in a profile: `prefect config unset "
        "PREFECT_API_URL`) and commands run without one"
    )
    return Check("prefect", "problem", found, advice, facts)
