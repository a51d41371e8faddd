"""Whoever is not the owner of a server is refused: pages of other sites, and who has no key."""

import base64
import http.client
import json
from typing import Any

import pytest

from flows.server.guard import Guard
from tests.flows.server.upping import Up

Answer = tuple[int, dict[str, str], bytes]
EVIL = {
    "name": "evil",
    "pull_steps": [{"prefect.deployments.steps.run_shell_script": {"script": "touch /tmp/struck"}}],
}
SOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "prefect",
}
SOCKETS = ("/api/events/in", "/api/events/out", "/api/logs/out")


def ask(
    up: Up, method: str, path: str, body: Any = None, *, host: str | None = None, **headers: str
) -> Answer:
    """The answer to a request as it is sent; underscores in the names of headers are hyphens."""
    connection = http.client.HTTPConnection("127.0.0.1", up.port, timeout=1800)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = None if body is None else json.dumps(body)
        sent = {"Host": host or f"127.0.0.1:{up.port}", "Content-Type": "application/json"} | named
        connection.request(method, path, content, sent)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, b"" if answer.status == 101 else answer.read()
    finally:
        connection.close()


def key(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


@pytest.fixture
def right(up: Up) -> str:
    return key(up.auth)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost"]
)
def test_another_host_is_refused(up: Up, right: str, host: str) -> None:
    name = host.format(port=up.port)
    for path in ("/", "/open", "/api/health", "/ui-settings", "/sheets/x.png"):
        assert ask(up, "GET", path, host=name, Authorization=right)[0] == 403, path
    assert (
        ask(up, "POST", "/api/flows/", {"name": "evil"}, host=name, Authorization=right)[0] == 403
    )
    for path in SOCKETS:
        assert ask(up, "GET", path, host=name, **SOCKET)[0] == 403, path


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:1", "null"])
def test_a_page_of_another_site_is_refused(up: Up, right: str, origin: str) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x"}
    for method, more in (("OPTIONS", asked), ("GET", {}), ("POST", {"Authorization": right})):
        status, headers, _ = ask(up, method, "/api/deployments/", {}, Origin=origin, **more)
        assert status == 403, method
        assert "access-control-allow-origin" not in headers, method
    for path in SOCKETS:
        assert ask(up, "GET", path, Origin=origin, **SOCKET)[0] == 403, path


def test_nobody_registers_a_command_without_the_key(up: Up, right: str) -> None:
    status, _, made = ask(up, "POST", "/api/flows/", {"name": "evil"}, Authorization=right)
    assert status == 201
    body = EVIL | {"flow_id": json.loads(made)["id"]}
    given: tuple[dict[str, str], ...] = ({}, {"Authorization": key("marque:guess")})
    for headers in given:
        assert ask(up, "POST", "/api/flows/", {"name": "evil"}, **headers)[0] == 401
        assert ask(up, "POST", "/api/deployments/", body, **headers)[0] == 401
    assert ask(up, "POST", "/api/deployments/count", {}, Authorization=right)[2] == b"0"
    status, _, made = ask(up, "POST", "/api/deployments/", body, Authorization=right)
    assert status == 201, "what was refused would have worked"
    found = json.loads(made)["id"]
    assert ask(up, "DELETE", f"/api/deployments/{found}", Authorization=right)[0] == 204


def test_sockets_want_the_key(up: Up) -> None:
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect

    for path in SOCKETS:
        for token, good in ((up.auth, True), ("guess", False), (None, False)):
            url = f"ws://127.0.0.1:{up.port}{path}"
            with connect(url, subprotocols=["prefect"], proxy=None) as socket:  # type: ignore[list-item]
                socket.send(json.dumps({"type": "auth", "token": token}))
                if good:
                    assert json.loads(socket.recv()) == {"type": "auth_success"}
                    continue
                with pytest.raises(ConnectionClosed):
                    socket.recv()


def test_its_own_pages_and_their_owner_are_let_in(up: Up, right: str) -> None:
    for name in ("127.0.0.1", "localhost"):
        origin = f"http://{name}:{up.port}"
        status, headers, _ = ask(
            up, "OPTIONS", "/api/flows/", host=f"{name}:{up.port}", Origin=origin,
            Access_Control_Request_Method="POST",
        )  # fmt: skip
        assert (status, headers["access-control-allow-origin"]) == (200, origin)
        status, _, found = ask(
            up, "GET", "/api/admin/version", host=f"{name}:{up.port}", Origin=origin,
            Authorization=right,
        )  # fmt: skip
        assert (status, found) == (200, b'"3.8.8"')
    assert json.loads(ask(up, "GET", "/ui-settings")[2])["auth"] == "BASIC"
    assert b"<html" in ask(up, "GET", "/dashboard", Accept="text/html")[2]


def test_the_page_that_opens_them_does_what_prefects_pages_expect(up: Up) -> None:
    """It keeps the key where they look for it, checks it first, and its address never leaves."""
    status, headers, page = ask(up, "GET", "/open")
    assert status == 200
    assert headers["cache-control"] == "no-store"
    assert b"location.hash" in page
    assert up.auth.encode() not in page
    import prefect

    for bundle in (prefect.__ui_static_path__, prefect.__ui_v2_static_path__):
        scripts = [each.read_text() for each in bundle.rglob("*.js")]
        assert any("prefect-password" in each for each in scripts), bundle
    assert b'localStorage.setItem("prefect-password"' in page


def test_two_hosts_or_none_are_refused() -> None:
    guard = Guard(lambda *_: None, 80)  # type: ignore[arg-type, return-value]
    from starlette.datastructures import Headers

    good = (b"host", b"localhost:80")
    assert guard._wrong(Headers(raw=[good])) is None
    for raw in ([], [good, good], [good, (b"origin", b"http://localhost:80"), (b"origin", b"x")]):
        assert guard._wrong(Headers(raw=raw)) is not None
