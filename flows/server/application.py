"""Prefect's server with the contact sheets beside its pages, for the one person of its home.

It is the application of `prefect server start`, with the same services, one more folder, and a
guard in front. `python -m flows.server.application HOME` serves until its standard input closes.
"""

import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse
from starlette.routing import Mount

from flows.reporting.sheet_names import SHEET_NAME
from flows.server.guard import Guard, open_page
from flows.server.process import SHEETS, run_in_this_process

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAVE_SECONDS = 3  # for open connections when the server stops

_PNG = b"\x89PNG\r\n\x1a\n"


def sheets_app(folder: Path) -> FastAPI:
    """Serves the sheets of runs in `folder`, each by its name, and nothing else."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.api_route("/{name}", methods=["GET", "HEAD"])
    def send_sheet(name: str) -> FileResponse:
        path = folder / name
        good = SHEET_NAME.fullmatch(name) and path.is_file() and not path.is_symlink()
        if good:
            with path.open("rb") as file:
                good = file.read(len(_PNG)) == _PNG
        if not good:
            raise HTTPException(404, "there is no such contact sheet, or it is no longer kept")
        headers = {"X-Content-Type-Options": "nosniff"}
        return FileResponse(path, media_type="image/png", headers=headers)

    return app


class _Server(uvicorn.Server):
    """A server that calls back when it is up."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then call back."""
        await super().startup(sockets)
        if self.started:
            self._tell()


def serve(
    listening: socket.socket,
    sheets: Path,
    started: Callable[[], None],
    until: Callable[[], object] | None = None,
) -> bool:
    """Run Prefect's server until a signal, or until `until` returns; calls `started` when it is up,
    and returns whether it ever was."""
    from prefect.server.api.server import create_app
    from prefect.settings import get_current_settings

    settings = get_current_settings().server
    app = create_app(final=True)
    # Before Prefect's pages, which answer every path that nothing else does.
    app.router.routes.insert(0, Mount(f"/{SHEETS}", app=sheets_app(sheets)))
    app.router.routes.insert(0, open_page())
    config = uvicorn.Config(
        Guard(app, int(listening.getsockname()[1])),
        timeout_keep_alive=settings.api.keepalive_timeout,
        timeout_graceful_shutdown=LEAVE_SECONDS,
        ws_ping_interval=settings.api.websocket_ping_interval,
        ws_ping_timeout=settings.api.websocket_ping_timeout,
        log_level=settings.logging_level.lower(),
    )
    server = _Server(config, started)
    if until is not None:
        threading.Thread(target=_end_after, args=(until, server), daemon=True).start()
    server.run(sockets=[listening])
    return server.started


def _end_after(until: Callable[[], object], server: uvicorn.Server) -> None:
    until()
    server.should_exit = True


def main(arguments: "Sequence[str]") -> int:
    """`python -m flows.server.application HOME`: until standard input closes, as it does when the
    process that started this one ends."""
    home = Path(arguments[0])
    run_in_this_process(
        home,
        None,
        lambda listening, started: serve(listening, home / SHEETS, started, sys.stdin.read),
        lambda _running: None,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
