"""Files of the model hub: in its cache, whether they are what it states, and asking for them."""

from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import get_hf_file_metadata, hf_hub_url
from huggingface_hub import try_to_load_from_cache as look_in_cache
from huggingface_hub.errors import (
    EntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
)

from embeddings.hashes import Statement, file_sha256, is_digest
from embeddings.openclip import CONFIG_FILE
from embeddings.registry import ModelError

PROBE_SECONDS = 10.0


def stated_by_hub(path: Path) -> Statement | None:
    """What the hub states of a file of its cache: the cache names each blob by its digest.

    None for a copy that was put there as a plain file.
    """
    blob = path.resolve()
    if blob.parent.name != "blobs" or not is_digest(blob.name):
        return None
    return Statement(blob.name, "the model hub")


def cached(repo: str, file_names: Sequence[str]) -> str | None:
    """The first of the files that the hub's cache has of a repository."""
    found = [look_in_cache(repo, name) for name in file_names]
    return next((path for path in found if isinstance(path, str)), None)


def probe(repo: str) -> None:
    """One short question to the hub: a download tries for half a minute a file before it fails."""
    try:
        get_hf_file_metadata(hf_hub_url(repo, CONFIG_FILE), timeout=PROBE_SECONDS)
    except EntryNotFoundError:
        return  # the repository is there, and that is what was asked


def checked(path: str) -> str:
    """A file that was downloaded, if it is what the hub states: its client compares sizes only.

    Raises `ModelError`, and deletes the file, if it is something else.
    """
    stated = stated_by_hub(Path(path))
    if stated is not None and not stated.holds(Path(path), file_sha256(Path(path))):
        Path(path).resolve().unlink()
        raise ModelError(
            f"{Path(path).name!r} came from the model hub with another digest than the hub states "
            f"({stated.digest[:12]}...), so it was deleted; try again, and if that does not help "
            "look at what stands between this machine and the hub (HF_ENDPOINT, a proxy)"
        )
    return path


def why(error: Exception) -> str:
    """What an error of the hub's client means, in a few words."""
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set"
    if isinstance(error, RepositoryNotFoundError):
        return "it has no such repository, or shows it only to whom it knows: HF_TOKEN"
    if isinstance(error, RemoteEntryNotFoundError):
        return "the repository holds no weights under a name that open_clip knows"
    line = (str(error).strip().splitlines() or [""])[0][:200]
    return f"{type(error).__name__}: {line}".rstrip(": .")
