"""Digests of files, and what others state about them; no torch here."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

SUMS = "SHA256SUMS"
SHA256_DIGITS, GIT_DIGITS = 64, 40


@dataclass(frozen=True, slots=True)
class Statement:
    """What somebody says a file's digest is: sha256, its first digits, or git's of a blob."""

    digest: str
    by: str

    def holds(self, path: Path, sha256: str) -> bool:
        """Whether it is true of the file at `path`, whose sha256 is known already."""
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

    A line that is none of its kind, or that names a file of another folder, raises `ValueError`.
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
