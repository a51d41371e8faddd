"""The table of checks, in the order in which `marque doctor` runs and shows them."""

from collections.abc import Callable, Sequence

from marque.checks.catalog import check_catalog, check_photos
from marque.checks.check import Check, CheckContext, CheckFunction, begin
from marque.checks.machine import check_disk, check_home, check_server, check_versions
from marque.checks.model import TORCH_SECONDS, check_model
from marque.checks.runs import check_runs
from marque.checks.settings import check_settings

CHECK_SECONDS = 20.0  # a large catalog, or an object store that does not answer

CHECKS = (
    CheckFunction("versions", check_versions, CHECK_SECONDS),
    CheckFunction("settings", check_settings, CHECK_SECONDS),
    CheckFunction("home", check_home, CHECK_SECONDS),
    # Disk and catalog can be a network's and hang; torch takes seconds in a process of its own.
    CheckFunction("disk", check_disk, CHECK_SECONDS, late="warning", beside=True),
    CheckFunction("device", check_model, 2 * TORCH_SECONDS, beside=True),
    CheckFunction("prefect", check_server, CHECK_SECONDS),
    CheckFunction("catalog", check_catalog, CHECK_SECONDS),
    # It goes through every row: a large catalog may take longer and be well.
    CheckFunction("run", check_runs, CHECK_SECONDS, late="warning", needs="catalog"),
    CheckFunction("photos", check_photos, None),
)


def run_checks(context: CheckContext, checks: Sequence[CheckFunction] = CHECKS) -> list[Check]:
    """Look at everything; no check changes anything, hangs, or stops the others."""

    def start(each: CheckFunction) -> Callable[[float | None], list[Check]]:
        return begin(lambda: list(each.find(context)))

    started = {each.name: start(each) for each in checks if each.beside}
    found: list[Check] = []
    for each in checks:
        states = {line.name: line.state for line in found}
        if states.get(each.needs) != "problem":
            found += each.lines(started.get(each.name) or start(each))
    return found
