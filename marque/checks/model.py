"""The device, how the model runs on it, its weights, and the hub that gives them."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from core.errors import MarqueError
from core.text import shell_word
from embeddings.hub import HubFacts, probe_hub
from embeddings.tuning import load_tunings
from flows.settings import Settings
from flows.stages.embed import MEASURE_FROM
from marque.checks.check import INSTALL, Check, LateError, begin

PROBE_SECONDS = 90.0  # torch imports in 5 to 10 s; from a cold disk it may take a minute
HUB_SECONDS = 5.0


def begin_probe(settings: Settings) -> Callable[[], list[Check]]:
    """Start looking at device, model and hub; the function returned gives what was found."""
    hub = begin(lambda: probe_hub(HUB_SECONDS))
    try:
        asked = {"name": settings.model.name, "weights": settings.model.weights}
    except MarqueError:  # said where the settings are: see what torch sees all the same
        asked = {"name": "", "weights": None}
    asked |= {"device": settings.device, "home": str(settings.home_path)}
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "embeddings.probe", json.dumps(asked)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def finish() -> list[Check]:
        facts, why = _answer(process)
        model = facts.get("model") if asked["name"] else None
        found = _hub(hub, model)
        checks = [_device(settings, facts.get("device"), why)]
        if asked["name"]:
            checks.append(_model(settings, model, why, reached=found.facts["answers"]))
        return [*checks, found]

    return finish


def _answer(process: subprocess.Popen[str]) -> tuple[dict[str, Any], str]:
    """What the probe said, and why it did not say more."""
    why = ""
    try:
        said, errors = process.communicate(timeout=PROBE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        said, errors = process.communicate()
        why = f"it did not end within {PROBE_SECONDS:.0f} s"
    facts: dict[str, Any] = {}
    for line in said.splitlines():
        if line.startswith("{"):
            facts |= json.loads(line)
    if not why and process.returncode < 0:
        why = f"the process was ended by {signal.Signals(-process.returncode).name}"
    elif not why and process.returncode:
        why = ([line for line in errors.splitlines() if line.strip()] or ["it said nothing"])[-1]
    return facts, why[:400]


def _device(settings: Settings, facts: dict[str, Any] | None, why: str) -> Check:
    if facts is None:
        found = f"torch and open_clip cannot be imported: {why}"
        advice = f"torch and torchvision must belong together: {INSTALL}"
        return Check("device", "problem", found, advice)
    seen = [f"{facts['cores']} processor cores", *facts["cuda"], *(["mps"] if facts["mps"] else [])]
    chosen = f"{facts['chosen']} is used ({settings.device!r} is set); torch sees {', '.join(seen)}"
    if facts["error"]:
        found = (
            f"{settings.device!r} cannot be used: {facts['error']}; torch sees {', '.join(seen)}"
        )
        return Check("device", "problem", found, "set MARQUE_DEVICE=auto", facts)
    way, tuned = _way(settings, facts["chosen"])
    return Check("device", "ok", f"{chosen}; {way}", facts=facts | {"tuning": tuned})


def _way(settings: Settings, device: str) -> tuple[str, dict[str, Any] | None]:
    """How the model runs on the device, as it was measured."""
    try:
        name = settings.model.short_name
    except MarqueError:
        name = ""
    for each in load_tunings(settings.home_path):
        same = each.device.partition(":")[0] == device.partition(":")[0]
        same = same and settings.precision in {"auto", each.config.dtype}
        if same and each.model.rpartition("@")[0] == name:
            facts = {"dtype": each.config.dtype, "why": each.why, "measured_at": each.measured_at}
            return f"{each.config.dtype} ({each.why})", facts | {"rates": each.rates}
    if settings.precision in {"fp32", "bf16"}:
        return f"computes in {settings.precision}, as the settings say", None
    measures = f"the next embedding of {MEASURE_FROM} photos or more measures"
    return f"no measurement is kept yet: {measures}", None


def _model(settings: Settings, facts: dict[str, Any] | None, why: str, *, reached: bool) -> Check:
    name = settings.model.name
    if facts is None:
        return Check("model", "problem", f"{name}: could not be looked at: {why}")
    if facts["state"] == "missing" and reached:
        found = f"{name}: not on this machine yet; the first embedding fetches it from the hub"
        return Check(
            "model", "ok", found, f"`marque models fetch {shell_word(name)}` does it now", facts
        )
    if facts["state"] in {"missing", "problem"}:
        found = facts["found"]
        if name not in found:
            found = f"{name}: {found}"
        return Check("model", "problem", found, facts["advice"], facts)
    where = {"project": "part of Marque", "cache": "in the hub's cache"}.get(facts["place"])
    found = f"{name}: {where or 'here'}, {facts['path']}, {facts['bytes'] / 1e6:,.1f} MB"
    return Check("model", "ok", f"{found}; {facts['found']}", facts["advice"], facts)


def _hub(wait: Callable[[float], HubFacts], model: dict[str, Any] | None) -> Check:
    needed = model is not None and model["state"] == "missing"
    try:
        hub = wait(2 * HUB_SECONDS)
        facts = {"endpoint": hub.endpoint, "cache": hub.cache, "offline": hub.offline}
        facts |= {"answers": hub.answers}
        said, place = hub.said, hub.endpoint
    except LateError as late:
        facts, said, place = {"answers": False}, str(late), "the model hub"
    if facts["answers"]:
        return Check("hub", "ok", f"{place} answers", facts=facts)
    found = f"{place} is not reached: {said}"
    if needed:
        advice = (
            "mend the way to it (HF_ENDPOINT, HF_HUB_OFFLINE, a proxy), or bring the model from "
            "another machine: `marque models fetch NAME --to FOLDER` there"
        )
        return Check("hub", "problem", found, advice, facts)
    return Check("hub", "ok", f"{found}; nothing is needed from it", facts=facts)
