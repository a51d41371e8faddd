"""The replica as a server on this machine: several hosts on one port, distinguished by name."""

import logging
import signal
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import MarqueError
from core.web import REPLICA_SUFFIX, Web
from synthetic.replica.autoscout24.addresses import PICTURES
from synthetic.replica.autoscout24.app import autoscout24_app
from synthetic.replica.autoscout24.pictures import pictures_app
from synthetic.replica.autoscout24.sites import TLDS
from synthetic.replica.commons import commons_app, upload_app
from synthetic.replica.commons_imageinfo import COMMONS_HOST, THUMB_HOST, UPLOAD_HOST
from synthetic.replica.faults import Faults
from synthetic.replica.world import World

REPLICA_ADDRESS = "127.0.0.1"
_MOST_LOGGED = 300_000  # requests: a crawl of 50,000 offers with a photo each, and again
_KEEP_ALIVE_S = 75


class ReplicaError(MarqueError):
    """The replica cannot be served; the message says what to do."""


class LoggedRequest(NamedTuple):
    """An answered request: when it came (seconds of `time.monotonic`), its host and path, the
    status of the answer, the User-Agent, and how many requests to that host, including this one,
    were open when it came."""

    time: float
    host: str
    path: str
    query: str
    status: int
    user_agent: str
    at_once: int


@dataclass(frozen=True, slots=True)
class Replica:
    """A replica that is being served."""

    world: World
    url: str
    log: deque[LoggedRequest]

    @property
    def faults(self) -> Faults:
        """Its switches."""
        return self.world.faults

    @property
    def requests(self) -> list[LoggedRequest]:
        """The latest 300,000 answered requests, in order of arrival."""
        return sorted(self.log.copy(), key=lambda logged: logged.time)


@contextmanager
def start_replica(world: World, port: int = 0) -> Iterator[Replica]:
    """Serve a world from a thread of this process while the block runs; port 0 means any free port.

    The world's links lead to the replica meanwhile. Answers that are still being sent at the end of
    the block are cut off. Raises `ReplicaError`.
    """
    with _bound(port) as listener:
        url = f"http://{REPLICA_ADDRESS}:{listener.getsockname()[1]}"
        world.web = Web(url)
        log: deque[LoggedRequest] = deque(maxlen=_MOST_LOGGED)
        sites, uploads = autoscout24_app(world), upload_app(world)
        hosts: dict[str, ASGIApp] = {
            **{f"www.autoscout24.{tld}": sites for tld in TLDS},
            PICTURES: pictures_app(world),
            COMMONS_HOST: commons_app(world),
            UPLOAD_HOST: uploads,
            THUMB_HOST: uploads,
        }
        config = uvicorn.Config(
            _Hosts(hosts, log), log_config=None, log_level=logging.CRITICAL,
            access_log=False, lifespan="off", ws="none", timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=1, server_header=False,
        )  # fmt: skip
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), name="replica")
        thread.start()
        try:
            while not server.started:
                if not thread.is_alive():
                    raise ReplicaError(f"the replica did not start at {url}; choose another port")
                time.sleep(0.005)
            yield Replica(world, url, log)
        finally:
            server.should_exit = True
            thread.join()


def serve_replica(world: World, port: int, say: Callable[[Replica], None]) -> None:
    """Serve a world until Ctrl-C or SIGTERM; calls `say` when it is up. Raises `ReplicaError`."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with start_replica(world, port) as replica:
            say(replica)
            threading.Event().wait()
    except KeyboardInterrupt:
        pass  # how one ends it
    finally:
        signal.signal(signal.SIGTERM, before)


class _Hosts:
    """Routes each request to the application of its host, and logs it."""

    def __init__(self, apps: dict[str, ASGIApp], log: deque[LoggedRequest]) -> None:
        self._apps = apps
        self._hint = (
            f"This replica plays these hosts, each with {REPLICA_SUFFIX} after its name:\n"
            + "\n".join(apps)
        )
        self._log = log
        self._running: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        came = time.monotonic()
        request = Request(scope)
        host = request.headers.get("host", "").partition(":")[0].removesuffix(REPLICA_SUFFIX)
        app = self._apps.get(host) or PlainTextResponse(self._hint, 404)
        self._running[host] += 1
        asked = (came, host, scope["path"], scope["query_string"].decode("latin-1"))
        rest = (request.headers.get("user-agent", ""), self._running[host])

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._log.append(LoggedRequest(*asked, message["status"], *rest))
            await send(message)

        try:
            await app(scope, receive, noted)
        finally:
            self._running[host] -= 1


@contextmanager
def _bound(port: int) -> Iterator[socket.socket]:
    # asyncio sends small writes at once only if the protocol is named; otherwise each waits 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((REPLICA_ADDRESS, port))
        except OSError as error:
            raise ReplicaError(
                f"port {port} cannot be had ({error.strerror}); name another with --port, or 0 for "
                "any that is free"
            ) from error
        yield listener
