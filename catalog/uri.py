"""URIs of catalogs: paths that LanceDB accepts unchanged, and object stores.

LanceDB treats a path as the path of a URI. Most characters work, but tags are written under the
percent-encoded path, so that `Jörg` gets a second folder `J%C3%B6rg` beside it. `?` ends the path
when Lance opens a table by itself, and control characters are refused.
"""

import re
import string
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

PROBE_OPTIONS = {
    "client_max_retries": "0",
    "client_retry_timeout": "3",
    "connect_timeout": "3s",
    "timeout": "3s",
}
"""Options for testing whether an object store answers. LanceDB makes six requests in all, so a
store that accepts connections and stays silent is recognized after about 20 s."""

_ALWAYS_PLAIN = set(string.ascii_letters + string.digits + "/-_. +:,;=@&!$'()")
_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - nothing is written but a link


def catalog_uri(given: str | Path) -> str:
    """The URI of a catalog: an absolute path, or the unchanged URI of an object store."""
    text = str(given)
    scheme = urlsplit(text).scheme if "://" in text else ""
    if scheme == "file":
        text = unquote(text.removeprefix("file://"))
    elif scheme:
        return text
    return str(Path(text).expanduser().resolve())


def is_path(place: str) -> bool:
    """Whether a URI from `catalog_uri` is a folder and not an object store."""
    return place.startswith("/")


def unusable_uri(place: str) -> str | None:
    """Why LanceDB cannot keep a catalog at this URI, as one sentence; None if it can."""
    # From the URI of an object store LanceDB drops what follows `#`, and it decodes `%41`.
    pattern = r"\?" if is_path(place) else r"[?#]|%(?=[0-9A-Fa-f]{2})"
    found = re.search(rf"[\x00-\x1f\x7f-\x9f\ud800-\udfff]|{pattern}", place)
    if found is None:
        if is_path(place) and _holds(Path.is_file, place):
            return (
                f"the place {place!r} is a file, and a catalog is a folder; set "
                "MARQUE_HOME or MARQUE_CATALOG to another"
            )
        return None
    return (
        f"the place {place!r} has the character {found[0]!r}, with which LanceDB can keep "
        "nothing; give the folder another name, or set MARQUE_HOME or MARQUE_CATALOG to another"
    )


def is_absent(place: str) -> bool:
    """Whether there is nothing at a path. A path that cannot be looked at is not absent: opening it
    says why."""
    return not _holds(Path.exists, place, unknown=True)


def _holds(test: Callable[[Path], bool], place: str, *, unknown: bool = False) -> bool:
    try:
        return test(Path(place))
    except OSError:  # a name that is too long, a folder that must not be read
        return unknown


@contextmanager
def plain_path(place: str) -> Iterator[str]:
    """A path to the same place without characters that LanceDB would percent-encode.

    It is the place itself if it has no such characters, otherwise a temporary link. Raises
    `OSError` if no folder for temporary files can be written.
    """
    if not is_path(place) or set(place) <= _ALWAYS_PLAIN:
        yield place
        return
    folders = [each for each in (tempfile.gettempdir(), *_TEMPORARY) if set(each) <= _ALWAYS_PLAIN]
    with tempfile.TemporaryDirectory(dir=folders[0], prefix="marque-") as folder:
        link = Path(folder) / "catalog"
        link.symlink_to(place, target_is_directory=True)
        yield str(link)


_REASONS = (
    (r"BadScheme", "the address does not begin with https; for http set `allow_http = true`"),
    (r"NoSuchBucket", "there is no such bucket; make it, or correct its name"),
    (r"ConnectionRefused", "nothing listens there; check `endpoint`"),
    (r"dns error|lookup address", "no machine has that name; check `endpoint`"),
    (r"TimedOut|kind: Timeout|deadline", "it does not answer; check `endpoint` and the network"),
    (r"status: 40[13]\b.*|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch",
     "it refuses these keys; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY and their rights"),
    (r"[cC]redentials|TokenRequest|FailedToLoadToken",
     "there are no keys for it; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
    (r"BareRedirect|status: 30\d|AuthorizationHeaderMalformed",
     "the bucket is in another region; set `region`"),
    (r"status: 404", "it was not found; check the bucket, its name and `endpoint`"),
    (r"status: 5\d\d|status: 429", "it is overloaded or broken; try again later"),
    (r"provider found for scheme", "there is no such kind of store; use s3://, gs:// or az://"),
    (r"Config error: ([^,]{1,80})", "an option cannot be used: {}"),
    (r"ConnectError|kind: Connect", "no connection can be made; check `endpoint`"),
)  # fmt: skip


_REMOTE = re.compile(r"RetryError|Error performing|store: \"(?!Local)|AWS credentials")


def store_reason(error: BaseException) -> str | None:
    """Why a request to an object store failed, without its keys; None if the reason is unknown or
    the error is not from an object store."""
    return _reason(str(error)) if _REMOTE.search(str(error)) else None


def unreachable_message(place: str, error: BaseException) -> str:
    """Why a catalog's object store could not be reached, as one sentence without its keys."""
    why = _reason(str(error)) or "check the address, the keys and the network"
    return (
        f"the catalog at {place} cannot be reached ({why}); options of the store are the "
        "setting `storage_options`"
    )


def _reason(text: str) -> str | None:
    for pattern, said in _REASONS:
        if (match := re.search(pattern, text)) is not None:
            asked = re.search(r"(?:uri: Some\(|Error performing [A-Z]+ )(https?://[^/)\s]+)", text)
            at = f"{asked[1].rpartition('@')[2]}: " if asked else ""
            return at + (said.format(match[1]) if match.re.groups else said)
    return None


def unusable_option(options: Mapping[str, str]) -> str | None:
    """The mistake in storage options that LanceDB accepts but would fail on later, as a message."""
    for name, value in options.items():
        if name.lower() in {"endpoint", "aws_endpoint", "aws_endpoint_url", "endpoint_url"}:
            parts = urlsplit(value)
            if parts.scheme not in {"http", "https"} or not parts.netloc:
                return (
                    f"{name} is not an address such as https://s3.example.org or http://host:9000"
                )
    return None
