"""Files of models and the model hub: digests, the hub's cache, downloads; no torch here."""

import hashlib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import (
    constants,
    get_hf_file_metadata,
    get_session,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)
from huggingface_hub.errors import (
    EntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
)

from embeddings.registry import ModelError

REACH_SECONDS = 10.0
MOST_TIMES = 4
"""Weights are numbers that hardly shrink: an archive that unpacks to more times its own size holds
something else, up to a thousand times as much."""

SUMS = "SHA256SUMS"
SHA256_DIGITS, GIT_DIGITS = 64, 40


@dataclass(frozen=True, slots=True)
class StatedDigest:
    """A file's digest as `by` states it: a sha256, its first digits, or git's blob hash."""

    digest: str
    by: str

    def matches(self, path: Path, sha256: str) -> bool:
        """Whether it is the digest of the file at `path`, whose sha256 is known already."""
        if len(self.digest) == GIT_DIGITS:
            return git_digest(path) == self.digest
        return sha256.startswith(self.digest)


def file_sha256(path: Path) -> str:
    """sha256, hex, of a file's bytes; raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_digest(path: Path) -> str:
    """The name that git, and so the model hub, gives to a small file: sha1 of its blob."""
    content = path.read_bytes()
    header = f"blob {len(content)}\0".encode()
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


def is_digest(text: str) -> bool:
    """Whether a text is a whole sha256 or a git digest, in hex."""
    return len(text) in {SHA256_DIGITS, GIT_DIGITS} and not set(text) - set("0123456789abcdef")


def load_sums(path: Path) -> dict[str, str]:
    """A file as `sha256sum` writes it -> file name: digest; empty if it is not there.

    Raises `ValueError` for a line of another form, or one that names a file of another folder.
    """
    if not path.is_file():
        return {}
    sums = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        digest, _, name = line.partition(" ")
        name = name[1:].removeprefix("./")  # as `sha256sum ./*` writes it
        if not is_digest(digest.lower()) or name in {"", ".", ".."} or "/" in name:
            raise ValueError(f"line {number} of {path} is not DIGEST  NAME: {line[:80]!r}")
        sums[name] = digest.lower()
    return sums


def store_sums(folder: Path) -> None:
    """Write the digests of all files of a folder beside them, for `sha256sum --check`."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != SUMS)
    lines = [f"{file_sha256(path)}  {path.name}\n" for path in files]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class HubFacts:
    """The address of the hub, whether it answered, and its status or error."""

    endpoint: str
    cache: str
    offline: bool
    answers: bool
    said: str


def probe_hub(seconds: float) -> HubFacts:
    """Ask the hub for its front page; HF_ENDPOINT and offline mode are respected.

    `seconds` limit each step: finding the host, connecting, the answer.
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


def digest_by_hub(path: Path) -> StatedDigest | None:
    """The digest that the hub states of a file of its cache, which names each blob by its digest.

    None for a copy that was put there as a plain file.
    """
    blob = path.resolve()
    if blob.parent.name != "blobs" or not is_digest(blob.name):
        return None
    return StatedDigest(blob.name, "the model hub")


def find_cached(repo: str, file_names: Sequence[str]) -> str | None:
    """The first of a repository's files that the hub's cache has."""
    found = [try_to_load_from_cache(repo, name) for name in file_names]
    return next((path for path in found if isinstance(path, str)), None)


def check_reachable(repo: str, file_name: str) -> None:
    """Ask the hub for a file's facts, briefly: a download tries half a minute a file to fail."""
    try:
        get_hf_file_metadata(hf_hub_url(repo, file_name), timeout=REACH_SECONDS)
    except EntryNotFoundError:
        return  # the repository is there, and that is what was asked


def download(repo: str, file_name: str) -> str:
    """Download a file into the hub's cache, and compare its digest with what the hub states.

    The hub's client compares sizes only. Raises `ModelError`, and deletes the file, if the digest
    is another one.
    """
    path = hf_hub_download(repo, file_name)
    stated = digest_by_hub(Path(path))
    if stated is not None and not stated.matches(Path(path), file_sha256(Path(path))):
        Path(path).resolve().unlink()
        raise ModelError(
            f"{Path(path).name!r} came from the model hub with another digest than the hub states "
            f"({stated.digest[:12]}...), so it was deleted; try again, and if that does not help "
            "check what lies between this machine and the hub (HF_ENDPOINT, a proxy)"
        )
    return path


def describe_hub_error(error: Exception) -> str:
    """The meaning of an error of the hub's client, in a few words."""
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set"
    if isinstance(error, RepositoryNotFoundError):
        return "it has no such repository, or shows it only with a token (HF_TOKEN)"
    if isinstance(error, RemoteEntryNotFoundError):
        return "the repository holds no weights under a name that open_clip knows"
    line = (str(error).strip().splitlines() or [""])[0][:200]
    return f"{type(error).__name__}: {line}".rstrip(": .")


def no_weights_message(name: str, error: Exception, ways_on: str) -> str:
    """The message for weights that are not here and that the hub did not give; `ways_on` are the
    other ways to have them."""
    return (
        f"the weights of {name!r} are not on this machine and the model hub did not give them "
        f"({describe_hub_error(error)}); put a copy into the hub's cache (HF_HOME), {ways_on}"
    )


def check_unpacked_size(path: Path) -> None:
    """Read the table of contents of a file that is an archive, as torch's and NumPy's are.

    Raises `ModelError` where it would unpack to more than `MOST_TIMES` its size: loaders do not
    check that, and 2 MB can become 2 GB. A damaged file, and one that is not an archive, passes
    here and fails in the loader.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return
    size = path.stat().st_size
    if unpacked > MOST_TIMES * size:
        raise ModelError(
            f"{path.name!r} has {size:,} bytes and would unpack to {unpacked:,}, which weights do "
            "not; get it again from its origin, or save it again as .safetensors"
        )
