"""A client that asks a replica."""

import http.client
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from synthetic.replica.cars import OfferedCar
from synthetic.replica.server import Replica
from synthetic.replica.world import World

IT = "www.autoscout24.it"
DE, COM = "www.autoscout24.de", "www.autoscout24.com"
PICTURES = "prod.pictures.autoscout24.net"
_NEXT_DATA = re.compile(r'<script id="__NEXT_DATA__" type="application/json">(.*?)</script>')


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    @property
    def props(self) -> Any:
        """The `pageProps` of the page."""
        found = _NEXT_DATA.search(self.text)
        assert found, self.text[:500]
        return json.loads(found[1])["props"]["pageProps"]


@dataclass(frozen=True, slots=True)
class Client:
    """Asks a replica by the names of its hosts, which not every machine finds by itself."""

    replica: Replica

    @property
    def world(self) -> World:
        return self.replica.world

    def open(self, host: str, path: str, agent: str = "test") -> http.client.HTTPResponse:
        port = urlsplit(self.replica.url).port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=500)
        headers = {"Host": f"{host}.localhost:{port}", "User-Agent": agent}
        connection.request("GET", path, headers=headers)
        return connection.getresponse()

    def get(self, host: str, path: str, agent: str = "test") -> Answer:
        with self.open(host, path, agent) as response:
            return Answer(response.status, response.headers, response.read())

    def follow(self, url: str) -> Answer:
        """What is at an address of one of the replica's hosts."""
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.hostname.endswith(".localhost"), url
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return self.get(parts.hostname.removesuffix(".localhost"), path)


def cars(
    client: Client, wanted: Callable[[OfferedCar], bool] = lambda car: True
) -> list[OfferedCar]:
    every = (client.world.car(number) for number in range(len(client.world)))
    return [car for car in every if not car.gone and wanted(car)]


def offer_path(client: Client, number: int, site: str = IT) -> str:
    """Where the site has the offer now: the address that any slug leads to."""
    segment = {IT: "annunci", DE: "angebote", COM: "offers"}[site]
    moved = client.get(site, f"/{segment}/x-{client.world.guid(number)}")
    assert moved.status == 308
    return re.sub(r"^http://[^/]+", "", moved.headers["Location"])


def offer(client: Client, number: int, site: str = IT) -> Any:
    return client.get(site, offer_path(client, number, site)).props["listingDetails"]


def organic(answer: Answer) -> list[dict[str, Any]]:
    rows = answer.props["listings"]
    return [row for row in rows if row["searchResultType"] == "Organic"]
