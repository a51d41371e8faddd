"""Admits to the server of a home only programs of this machine, and the server's own pages.

A page of another site can let a browser ask any address, its own name may be made to mean this
machine, and both reach a server that listens on loopback alone. The password is Prefect's own check
and comes after this one.
"""

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from flows.server.process import OPEN

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="referrer" content="no-referrer">
<title>Marque</title><p id="said">Opening Prefect's pages ...</p>
<script>
const key = btoa(location.hash.slice(1));
history.replaceState(null, "", location.pathname);
fetch("/api/admin/version", {headers: {Authorization: "Basic " + key}}).then(answer => {
  if (!answer.ok) throw answer.status;
  localStorage.setItem("prefect-password", key);
  location.replace("/");
}).catch(() => {
  document.getElementById("said").textContent =
    "This address has no key, or another one: open the one that `marque up` prints.";
});
</script>
"""
"""Prefect's pages keep the password where only pages of the same host and port can read it."""


class Guard:
    """Lets requests through that name this server as their host, and no other site as their
    origin, websockets among them."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
        self._origins = {f"http://{host}" for host in self._hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] in {"http", "websocket"} and (wrong := self._wrong(Headers(scope=scope))):
            # Starlette closes a websocket that is not accepted yet, which is a status of 403.
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008, "reason": wrong})
            else:
                await PlainTextResponse(wrong, 403)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _wrong(self, headers: Headers) -> str | None:
        if [each.lower() for each in headers.getlist("host")] not in [[h] for h in self._hosts]:
            return "this server is asked as 127.0.0.1 or localhost, with its port"
        if any(origin not in self._origins for origin in headers.getlist("origin")):
            return "pages of another site may not ask this server"
        return None


def open_page() -> Route:
    """The page that takes the key from its address, which no request carries, and opens Prefect's
    pages with it."""
    headers = {"Cache-Control": "no-store", "X-Frame-Options": "DENY"}
    return Route(OPEN, lambda _request: HTMLResponse(_PAGE, headers=headers))
