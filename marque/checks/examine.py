"""All checks of `marque doctor`, in the order in which they are shown."""

from flows.settings import Settings
from marque.checks.catalog import load_catalog
from marque.checks.check import Check, begin, checked
from marque.checks.deep import Progress, check_photos
from marque.checks.machine import check_disk, check_home, check_versions
from marque.checks.model import PROBE_SECONDS, begin_probe
from marque.checks.runs import check_runs
from marque.checks.server import check_server, load_server_facts
from marque.checks.settings import check_settings

STORE_SECONDS = 20.0  # a large catalog, or an object store that does not answer


def examine(*, home_given: bool, deep: Progress | None = None) -> list[Check]:
    """Look at everything; no check changes anything, hangs, or ends the others.

    `home_given` tells that the command line named the home folder. With `deep`, which is told how
    far it is, all stored photos are read as well, however long that takes.
    """
    settings, first = check_settings(home_given=home_given)
    # Disk and catalog can hang on a network's; torch takes seconds in a process of its own.
    disk = begin(lambda: check_disk(settings))
    probe = begin(begin_probe(settings))
    checks = checked("versions", check_versions)
    checks += first
    checks += checked("home", lambda: begin(lambda: check_home(settings))(STORE_SECONDS))
    checks += checked("disk", lambda: disk(STORE_SECONDS), late="warning")
    server_checks = checked("prefect", lambda: begin(lambda: _server(settings))(STORE_SECONDS))
    catalog = checked("catalog", lambda: _catalog(settings, home_given=home_given))
    checks += checked("device", lambda: probe(2 * PROBE_SECONDS))
    photos = checked("photos", lambda: check_photos(settings, deep)) if deep else []
    return [*checks, *server_checks, *catalog, *photos]


def _server(settings: Settings) -> list[Check]:
    return check_server(load_server_facts(settings))


def _catalog(settings: Settings, *, home_given: bool) -> list[Check]:
    catalog, checks = begin(lambda: load_catalog(settings))(STORE_SECONDS)
    if catalog is None:
        return checks
    look = begin(lambda: check_runs(catalog, settings, home_given=home_given))
    # It goes through every row: a large catalog may take longer and be well.
    return checks + checked("run", lambda: look(STORE_SECONDS), late="warning")
