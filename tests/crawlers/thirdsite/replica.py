"""The third site on this machine: a real server on loopback, which plays both of its hosts."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image

CARS = 7
ON_A_PAGE = 3
SEARCH = """<html><body><p id="total">{total}</p>{cars}{next}</body></html>"""
CAR = """<html><body><h1>{title}</h1><dl class="facts">
<dt>make</dt><dd>Fiat</dd><dt>model</dt><dd>Panda</dd><dt>color</dt><dd>red</dd>
<dt>price_eur</dt><dd>{price}</dd></dl>{photos}
<a rel="license" href="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</a></body></html>"""


@dataclass
class ThirdSite:
    """The site while it is served: its address, and the hosts and paths that were asked for."""

    url: str = ""
    asked: list[str] = field(default_factory=list)

    def base(self, host: str) -> str:
        """The root of one of its hosts."""
        return f"http://{host}.thirdsite.example.localhost:{urlsplit(self.url).port}"

    def search(self, query: dict[str, list[str]]) -> str:
        """A page of a search."""
        price = int(query.get("max", ["1000000"])[0])
        cars = [number for number in range(CARS) if price_of(number) <= price]
        page = int(query.get("page", ["1"])[0])
        some = cars[ON_A_PAGE * (page - 1) : ON_A_PAGE * page]
        links = "".join(
            f'<a class="car" data-id="{n}" data-changed="1" href="{self.base("www")}/car/{n}">x</a>'
            for n in some
        )
        more = f"{self.base('www')}/cars?make=fiat&amp;max={price}&amp;page={page + 1}"
        last = ON_A_PAGE * page >= len(cars)
        return SEARCH.format(
            total=len(cars),
            cars=links,
            next="" if last else f'<a rel="next" href="{more}">more</a>',
        )

    def car(self, number: int) -> str:
        """The page of a car, with two photos."""
        photos = "".join(
            f'<img class="photo" src="{self.base("photos")}/{number}-{at}.png">' for at in range(2)
        )
        return CAR.format(title=f"Fiat Panda {number}", price=price_of(number), photos=photos)


def price_of(number: int) -> int:
    """The price of a car in euros."""
    return 1000 * (number + 1)


def photo(path: str) -> bytes:
    """A PNG that no other path has, 320 by 240."""
    noise = np.random.default_rng(list(path.encode())).integers(0, 256, (24, 32, 3), np.uint8)
    out = BytesIO()
    Image.fromarray(noise).resize((320, 240)).save(out, "PNG")
    return out.getvalue()


class Handler(BaseHTTPRequestHandler):
    """Answers for both hosts, told apart by name."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        site: ThirdSite = self.server.site  # type: ignore[attr-defined]
        host, parts = self.headers["Host"].partition(".")[0], urlsplit(self.path)
        site.asked.append(f"{host} {self.path}")
        kind = "text/html"
        if parts.path == "/robots.txt":
            body, kind = b"User-agent: *\nAllow: /\n", "text/plain"
        elif host == "photos":
            body, kind = photo(parts.path), "image/png"
        elif parts.path == "/cars":
            body = site.search(parse_qs(parts.query)).encode()
        else:
            body = site.car(int(parts.path.rpartition("/")[2])).encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the test reads `asked`."""


@contextmanager
def start_thirdsite() -> Iterator[ThirdSite]:
    """Serve the site while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site = ThirdSite(f"http://127.0.0.1:{server.server_address[1]}")
    server.site = site  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
