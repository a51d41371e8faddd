"""Prefect's server with the contact sheets beside its pages: what `server_process` starts.

It is the application of `prefect server start`, with the same services, and one folder more.
"""

import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse
from starlette.routing import Mount

from flows.server_process import SHEETS
from flows.sheets import SHEET_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

_PNG = b"\x89PNG\r\n\x1a\n"


def sheets_app(folder: Path) -> FastAPI:
    """Serves the sheets of runs in `folder`, each by its name, and nothing else."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.api_route("/{name}", methods=["GET", "HEAD"])
    def send_sheet(name: str) -> FileResponse:
        path = folder / name
        if not SHEET_NAME.fullmatch(name) or not _is_png(path):
            raise HTTPException(404, "there is no such contact sheet, or it is no longer kept")
        headers = {"X-Content-Type-Options": "nosniff"}
        return FileResponse(path, media_type="image/png", headers=headers)

    return app


def serve(listening: socket.socket, sheets: Path) -> bool:
    """Run Prefect's server until it is told to end; returns whether it ever started."""
    import uvicorn
    from prefect.server.api.server import create_app
    from prefect.settings import get_current_settings

    settings = get_current_settings().server
    app = create_app(final=True)
    # Before Prefect's pages, which answer every path that nothing else does.
    app.router.routes.insert(0, Mount(f"/{SHEETS}", app=sheets_app(sheets)))
    config = uvicorn.Config(
        app,
        timeout_keep_alive=settings.api.keepalive_timeout,
        ws_ping_interval=settings.api.websocket_ping_interval,
        ws_ping_timeout=settings.api.websocket_ping_timeout,
        log_level=settings.logging_level.lower(),
    )
    server = uvicorn.Server(config)
    server.run(sockets=[listening])
    return server.started


def main(arguments: "Sequence[str]") -> int:
    """`python -m flows.served FD FOLDER`: a listening socket that was inherited, and the sheets."""
    number, folder = arguments
    return 0 if serve(socket.socket(fileno=int(number)), Path(folder)) else 1


def _is_png(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_PNG)) == _PNG


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
