"""The table of checks, in the order in which `marque doctor` runs and shows them."""

from collections.abc import Sequence

from marque.checks.catalog import check_catalog, check_photos
from marque.checks.check import Check, CheckContext, CheckFunction
from marque.checks.machine import check_disk, check_home, check_server, check_versions
from marque.checks.model import PROBE_SECONDS, check_model
from marque.checks.runs import check_runs
from marque.checks.settings import check_settings

SECONDS = 20.0  # a large catalog, or an object store that does not answer

CHECKS = (
    CheckFunction("versions", check_versions, SECONDS),
    CheckFunction("settings", check_settings, SECONDS),
    CheckFunction("home", check_home, SECONDS),
    # Disk and catalog can be a network's and hang; torch takes seconds in a process of its own.
    CheckFunction("disk", check_disk, SECONDS, late="warning", beside=True),
    CheckFunction("device", check_model, 2 * PROBE_SECONDS, beside=True),
    CheckFunction("prefect", check_server, SECONDS),
    CheckFunction("catalog", check_catalog, SECONDS),
    # It goes through every row: a large catalog may take longer and be well.
    CheckFunction("run", check_runs, SECONDS, late="warning", needs="catalog"),
    CheckFunction("photos", check_photos, None),
)


def run_checks(context: CheckContext, checks: Sequence[CheckFunction] = CHECKS) -> list[Check]:
    """Look at everything; no check changes anything, hangs, or stops the others."""
    started = {each.name: each.begin(context) for each in checks if each.beside}
    found: list[Check] = []
    for each in checks:
        states = {line.name: line.state for line in found}
        if states.get(each.needs) != "problem":
            found += (started.get(each.name) or each.begin(context))()
    return found
