"""The Prefect server: the configured one, that of the home folder, or none, which is no fault."""

from dataclasses import dataclass
from typing import Any

from flows.environment import configured_url
from flows.server.find import api_problem
from flows.server.process import Running, load_running
from flows.server.watch import is_up
from flows.settings import Settings
from marque.checks.check import Check, LateError, begin

SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What is known of servers: the URL that Prefect is configured for, and the home's own."""

    configured: str | None
    own: Running | None


def load_server_facts(settings: Settings) -> ServerFacts:
    """Look at Prefect's settings and at the home folder."""
    return ServerFacts(configured_url(), load_running(settings.home_path / "prefect"))


def check_server(facts: ServerFacts) -> list[Check]:
    """Whether the server that commands would use answers."""
    if facts.configured is not None:
        return [_configured(facts.configured)]
    if (own := facts.own) is None:
        found = "none runs and none is needed; `marque up` starts one, in whose pages runs show"
        return [Check("prefect", "ok", found, facts={"url": None})]
    said = {"url": own.url, "pid": own.pid}
    found = f"the server of this home is at {own.pages} (process {own.pid})"
    if _answers(own.url):
        return [Check("prefect", "ok", f"{found}, and answers", facts=said)]
    advice = (
        "look again in a minute, it may be busy; else end it where `marque up` runs and start it "
        "again, or run without one"
    )
    return [Check("prefect", "warning", f"{found}, and does not answer", advice, said)]


def _answers(url: str) -> bool:
    try:
        return is_up(url, SECONDS)
    except TimeoutError:
        return False


def _configured(url: str) -> Check:
    facts: dict[str, Any] = {"url": url, "configured": True}

    try:
        error = begin(api_problem)(3 * SECONDS)  # Prefect's client takes seconds to import
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
