"""A server before a replica: hands on what it is asked, after a while, and says other things where
a test wants it to."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from core.web import REPLICA_SUFFIX, Web
from synthetic.replica.server import Replica


class Said(NamedTuple):
    """An answer in place of the replica's; status 0 hangs up without one."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Came(NamedTuple):
    """A request: when (seconds of `time.monotonic`), of which host, how many were under way."""

    time: float
    host: str
    path: str
    at_once: int


class Front:
    """One that is up; it stands for the replica in a test."""

    def __init__(self, replica: Replica, url: str) -> None:
        self.replica = replica
        self.url = url
        self.came: list[Came] = []
        self.seconds = 0.0
        self.says: Callable[[str, str], Said | None] = lambda host, path: None
        self.running: Counter[str] = Counter()
        self.lock = threading.Lock()

    def of(self, host: str, path: str = "") -> list[Came]:
        """What came for a host whose name begins so, and a path that does."""
        return [one for one in self.came if one.host.startswith(host) and one.path.startswith(path)]


@contextmanager
def start_front(replica: Replica) -> Iterator[Front]:
    """Stand before a replica while the block runs; its links lead here meanwhile."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    front = Front(replica, f"http://127.0.0.1:{server.server_address[1]}")
    server.front = front  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    before, replica.world.web = replica.world.web, Web(front.url)
    try:
        yield front
    finally:
        replica.world.web = before
        server.shutdown()
        thread.join()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        front: Front = self.server.front  # type: ignore[attr-defined]
        host = self.headers["Host"].partition(":")[0].removesuffix(REPLICA_SUFFIX)
        with front.lock:
            front.running[host] += 1
            front.came.append(Came(time.monotonic(), host, self.path, front.running[host]))
        time.sleep(front.seconds)
        said = front.says(host, self.path) or self.hand_on(front)
        with front.lock:  # before the answer is read, after which the next one may come
            front.running[host] -= 1
        if said.status:
            self.answer(said)
        self.close_connection = not said.status

    def hand_on(self, front: Front) -> Said:
        place = front.replica.url.removeprefix("http://")
        connection = http.client.HTTPConnection(place)
        try:
            port = place.rpartition(":")[2]
            host = f"{self.headers['Host'].partition(':')[0]}:{port}"
            headers = {"Host": host, "User-Agent": self.headers["User-Agent"]}
            connection.request("GET", self.path, headers=headers)
            got = connection.getresponse()
            return Said(got.status, dict(got.getheaders()), got.read())
        finally:
            connection.close()

    def answer(self, said: Said) -> None:
        self.send_response(said.status)
        for name, value in said.headers.items():
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(said.body)))
        self.end_headers()
        self.wfile.write(said.body)

    def log_message(self, *_: object) -> None:
        """Nothing: the tests read `came`."""
