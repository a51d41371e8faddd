"""A model hub on this machine: the real client talks to it over HTTP, and it can misbehave."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

import pytest
from huggingface_hub import constants

from embeddings.hub import git_digest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPO = "someone/small"
LARGE = 100_000  # from this size a file is stored by its sha256, as with git LFS


class Hub(ThreadingHTTPServer):
    """Serves the files of a folder as the repository `someone/small`."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.way: Literal["well", "truncated", "altered", "hangs"] = "well"
        self.asked: list[str] = []
        self.stop = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, *, body: bool) -> None:
        hub = self.server
        hub.asked.append(f"{self.command} {self.path}")
        if hub.way == "hangs":
            hub.stop.wait()
            return
        if self.path == f"/api/models/{REPO}":
            card = {"id": REPO, "modelId": REPO, "cardData": {"license": "bsd-3-clause"}}
            self._send(json.dumps(card).encode(), {}, body=body)
            return
        place = self.path.removeprefix(f"/{REPO}/resolve/main/")
        if place == self.path:
            self._absent("RepoNotFound")
        elif not (hub.folder / place).is_file():
            self._absent("EntryNotFound")
        else:
            self._file(hub.folder / place, body=body)

    def _file(self, path: Path, *, body: bool) -> None:
        content = path.read_bytes()
        large = len(content) >= LARGE
        name = hashlib.sha256(content).hexdigest() if large else git_digest(path)
        headers = {"ETag": f'"{name}"', "X-Repo-Commit": COMMIT}
        if large and self.server.way == "altered":
            content = content[:-1] + bytes([content[-1] ^ 1])
        self._send(content, headers, body=body, cut=large and self.server.way == "truncated")

    def _send(
        self, content: bytes, headers: dict[str, str], *, body: bool, cut: bool = False
    ) -> None:
        begin = int((self.headers.get("Range") or "bytes=0-")[6:].partition("-")[0])
        self.send_response(206 if begin else 200)
        for name, value in (headers | {"Content-Length": str(len(content) - begin)}).items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content[begin : len(content) // 2 if cut else None])

    def _absent(self, code: str) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def serving(folder: Path) -> Iterator[Hub]:
    """A hub that serves a folder."""
    with Hub(folder) as hub:
        thread = threading.Thread(target=hub.serve_forever)
        thread.start()
        try:
            yield hub
        finally:
            hub.stop.set()
            hub.shutdown()
            thread.join()


def use_hub(patch: pytest.MonkeyPatch, url: str, cache: Path) -> None:
    """Point the client of this process to a hub, as HF_ENDPOINT and HF_HOME do before its start."""
    patch.setattr(constants, "ENDPOINT", url)
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    patch.setattr(constants, "HF_HUB_CACHE", str(cache))
