"""The packages, the home folder, and the room on the disks."""

import platform
import shutil
import tempfile
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from core.errors import MarqueError
from flows.server.process import FULL_BYTES
from flows.settings import Settings
from marque.checks.check import INSTALL, Check

SHOWN = (
    "marque",
    "torch",
    "torchvision",
    "open_clip_torch",
    "prefect",
    "lancedb",
    "pylance",
    "pyarrow",
    "pillow",
)
LITTLE_BYTES = 2**30  # the default model's weights and a few thousand photos


def check_versions() -> list[Check]:
    """The versions of what Marque stands on, against those it is known to work with."""
    found = {"python": platform.python_version()}
    found |= {name: _version(name) or "absent" for name in SHOWN}
    wrong = []
    for needed in map(Requirement, requires("marque") or []):
        there = _version(needed.name)
        if there is None or not needed.specifier.contains(there, prereleases=True):
            wrong.append(f"{needed.name} {there or 'absent'} (Marque needs {needed})")
    text = ", ".join(f"{name} {number}" for name, number in found.items())
    if not wrong:
        return [Check("versions", "ok", text, facts=found)]
    said = f"{text}; not as needed: {', '.join(wrong)}"
    return [Check("versions", "warning", said, INSTALL, found)]


def check_home(settings: Settings) -> list[Check]:
    """Whether the home folder can be written, tried by writing."""
    home = settings.home_path
    there = nearest(home)
    facts = {"home": str(home), "exists": home.exists()}
    try:
        if not there.is_dir():
            raise NotADirectoryError(20, "it is no folder", str(there))
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"\0" * 4096)
            file.flush()
    except OSError as error:
        found = f"{there} cannot be written: {error.strerror or error}"
        advice = "make it writable or make room, or name another place with MARQUE_HOME"
        return [Check("home", "problem", found, advice, facts)]
    if home.exists():
        return [Check("home", "ok", f"{home} can be written", facts=facts)]
    found = f"{home} is not there yet and can be made in {there}"
    return [Check("home", "ok", found, facts=facts)]


def check_disk(settings: Settings) -> list[Check]:
    """The room on the disk of the home folder and, where it is another, of the catalog."""
    places = {settings.home_path: 0}
    if "://" not in settings.catalog_uri:
        catalog = Path(settings.catalog_uri).expanduser().resolve()
        size = _size(catalog)
        same = nearest(catalog).stat().st_dev == nearest(settings.home_path).stat().st_dev
        places[settings.home_path if same else catalog] = size
    return [_disk(place, size) for place, size in places.items()]


def nearest(path: Path) -> Path:
    """The path itself, or the closest folder above it that exists."""
    for each in (path, *path.parents):
        try:
            each.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        return each
    raise MarqueError(f"nothing of {path} exists; check the path")


def _disk(place: Path, catalog: int) -> Check:
    usage = shutil.disk_usage(nearest(place))
    facts = {"place": str(place), "free": usage.free, "total": usage.total, "catalog": catalog}
    found = f"{_gb(usage.free)} of {_gb(usage.total)} free for {place}"
    if catalog:
        found += f"; the catalog takes {_gb(catalog)}"
    if usage.free < FULL_BYTES:
        return Check("disk", "problem", found, "the disk is full: make room on it", facts)
    # New vectors for all photos are written beside the old ones, which searches go on reading.
    if usage.free < max(LITTLE_BYTES, catalog // 4):
        return Check("disk", "warning", found, "make room before the next large run", facts)
    return Check("disk", "ok", found, facts=facts)


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
