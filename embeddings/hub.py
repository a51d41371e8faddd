"""Whether the model hub answers; no torch here."""

from dataclasses import dataclass

from huggingface_hub import constants, get_session


@dataclass(frozen=True, slots=True)
class HubFacts:
    """Where the hub is, whether it answered, and what it or the way to it said."""

    endpoint: str
    cache: str
    offline: bool
    answers: bool
    said: str


def probe_hub(seconds: float) -> HubFacts:
    """Ask the hub for its front page, HF_ENDPOINT and offline mode respected.

    `seconds` bound each step of the question: finding the host, joining it, its answer.
    """
    endpoint, cache = constants.ENDPOINT, str(constants.HF_HUB_CACHE)
    if constants.is_offline_mode():
        return HubFacts(endpoint, cache, True, False, "offline mode is set (HF_HUB_OFFLINE)")
    try:
        answer = get_session().head(endpoint, timeout=seconds)
    # The client's errors come from several packages and change with its releases.
    except Exception as error:
        why = (str(error).strip().splitlines() or [""])[0][:150]
        return HubFacts(
            endpoint, cache, False, False, f"{type(error).__name__}: {why}".rstrip(": ")
        )
    good = answer.status_code < 500
    return HubFacts(endpoint, cache, False, good, f"status {answer.status_code}")
