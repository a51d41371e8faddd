"""The replica's Commons over real HTTP: manners, photos, what goes wrong, and what changes."""

import hashlib
import http.client
import io
import json
import time
import urllib.robotparser
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from PIL import Image

from crawlers.engine.politeness.agent import user_agent
from synthetic.replica.commons import API_FAULTS
from synthetic.replica.commons_files import CommonsFile
from synthetic.replica.commons_photos import THUMBNAIL_WIDTHS
from synthetic.replica.commons_rate_limits import IDENTIFIED, UNIDENTIFIED, Meter, agent_standing
from synthetic.replica.commons_state import Commons, commons_of
from synthetic.replica.commons_upload import UPLOAD_FAULTS as MEDIA_FAULTS
from synthetic.replica.faults import known_faults
from synthetic.replica.server import Replica, start_replica
from synthetic.replica.world import World

AGENT = "MarqueTests/1.0 (https://marque.example.org; marque@example.org)"
COMMONS, UPLOAD = "commons.wikimedia.org", "upload.wikimedia.org"
MUSTANGS = {
    "generator": "categorymembers", "gcmtitle": "Category:Ford Mustang", "gcmtype": "file",
    "gcmlimit": "500", "prop": "imageinfo", "iiprop": "url|size|sha1|mime",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    content: bytes

    def json(self) -> dict[str, Any]:
        found = json.loads(self.content)
        assert isinstance(found, dict)
        return found


@dataclass(frozen=True, slots=True)
class Client:
    replica: Replica

    @property
    def wiki(self) -> Commons:
        return commons_of(self.replica.world)

    def get(self, url: str, agent: str | None = AGENT) -> Answer:
        """Ask by the name of the host, which not every machine resolves to itself."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=500)
        connection.putrequest("GET", f"{parts.path}?{parts.query}", skip_host=True)
        connection.putheader("Host", parts.netloc)
        if agent is not None:
            connection.putheader("User-Agent", agent)
        connection.endheaders()
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        connection.close()
        return answer

    def on(self, host: str, path: str, agent: str | None = AGENT) -> Answer:
        return self.get(self.replica.world.web.base(host) + path, agent)

    def api(self, agent: str | None = AGENT, **params: str) -> Answer:
        asked = {"action": "query", "format": "json", "formatversion": "2", "maxlag": "5", **params}
        return self.on(COMMONS, f"/w/api.php?{urlencode(asked)}", agent)

    def info(self, file: CommonsFile, width: int = 960) -> dict[str, Any]:
        """The imageinfo of one file, as the API gives it."""
        found = self.api(
            titles=f"File:{file.name}", prop="imageinfo", iiurlwidth=str(width),
            iiprop="url|size|sha1|mime|timestamp|extmetadata",
        ).json()["query"]["pages"][0]  # fmt: skip
        info = found["imageinfo"][0]
        assert isinstance(info, dict)
        return info


@pytest.fixture
def client() -> Iterator[Client]:
    with start_replica(World(seed=5, listings=0, files=200)) as replica:
        yield Client(replica)


def a_photo(client: Client, least: int, most: int) -> CommonsFile:
    return next(
        file for file in client.wiki.files() if file.kind == "car" and least <= file.width <= most
    )


def path_of(file: CommonsFile, step: int | None = None) -> str:
    name = quote(file.key, safe="")
    middle, end = ("", "") if step is None else ("thumb/", f"/{step}px-{name}")
    return f"/wikipedia/commons/{middle}{file.folder}/{name}{end}"


@pytest.mark.parametrize(
    "agent",
    [
        None, "", "python-requests/2.32.0", "Scrapy/2.19.0 (+https://scrapy.org)", "curl/8.5.0",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
    ],
)  # fmt: skip
def test_libraries_and_browsers_are_refused_everywhere(client: Client, agent: str | None) -> None:
    refused = client.api(agent=agent, **MUSTANGS)
    assert refused.status == 403
    assert b"robot policy" in refused.content
    media = client.on(UPLOAD, path_of(client.wiki.files()[0]), agent)
    assert media.status == 403
    assert b"User-Agent policy" in media.content


def test_a_crawl_of_a_replica_is_welcome_without_a_contact(client: Client) -> None:
    agent = user_agent(None, replica=True)
    assert agent_standing(agent) == "identified"
    assert client.on(UPLOAD, path_of(client.wiki.files()[0]), agent).status == 200


def test_robots_lets_the_api_through_and_closes_the_rest(client: Client) -> None:
    def rules() -> urllib.robotparser.RobotFileParser:
        parser = urllib.robotparser.RobotFileParser()
        parser.parse(client.on(COMMONS, "/robots.txt").content.decode().splitlines())
        return parser

    api = "/w/api.php?action=query&list=categorymembers"
    assert rules().can_fetch(AGENT, api)
    assert not rules().can_fetch(AGENT, "/w/index.php?title=A")
    assert not rules().can_fetch(AGENT, "/wiki/Special:Search")
    client.replica.faults.set("robots-closed")
    assert not rules().can_fetch(AGENT, api)


def test_the_bytes_are_those_that_the_api_describes(client: Client) -> None:
    pages = client.api(**MUSTANGS).json()["query"]["pages"]
    digests = set()
    for page in pages:
        info = page["imageinfo"][0]
        photo = client.get(info["url"])
        assert photo.status == 200
        assert photo.headers["Content-Type"].partition(";")[0] == info["mime"]
        assert hashlib.sha1(photo.content).hexdigest() == info["sha1"]
        assert len(photo.content) == info["size"]
        if info["mime"] == "image/jpeg":
            assert Image.open(io.BytesIO(photo.content)).size == (info["width"], info["height"])
        digests.add(info["sha1"])
    assert len(digests) == len(pages) == len(client.wiki.files_in("Ford Mustang"))
    assert {page["imageinfo"][0]["mime"] for page in pages} == {
        "image/jpeg", "image/svg+xml", "application/ogg",
    }  # fmt: skip


def test_a_thumbnail_may_be_wider_than_it_says(client: Client) -> None:
    file = a_photo(client, 1200, 2560)
    info = client.info(file, 800)
    assert (info["thumbwidth"], info["thumbheight"]) == (800, 666)
    assert info["thumburl"].endswith("&utm_content=thumbnail")
    assert "/960px-" in info["thumburl"]
    assert Image.open(io.BytesIO(client.get(info["thumburl"]).content)).size == (960, 800)


def test_a_small_original_is_its_own_thumbnail(client: Client) -> None:
    file = a_photo(client, 320, 800)
    info = client.info(file, 960)
    assert info["thumbwidth"] == file.width
    assert info["thumburl"].endswith("&utm_content=thumbnail_unscaled")
    assert info["url"].endswith("&utm_content=original")
    assert info["thumburl"].partition("?")[0] == info["url"].partition("?")[0]
    assert client.on(UPLOAD, path_of(file, 960)).status == 400


def test_both_media_hosts_give_thumbnails(client: Client) -> None:
    hosts = set()
    for file in client.wiki.files()[:40]:
        if file.kind == "car" and file.width > 960:
            url = client.info(file)["thumburl"]
            hosts.add(urlsplit(url).hostname)
            assert client.get(url).status == 200
    assert hosts == {f"{name}.wikimedia.org.localhost" for name in ("upload", "thumb")}


def test_only_the_listed_widths_are_served(client: Client) -> None:
    file = a_photo(client, 2560, 2560)
    served = {
        step for step in THUMBNAIL_WIDTHS if client.on(UPLOAD, path_of(file, step)).status == 200
    }
    assert served == {step for step in THUMBNAIL_WIDTHS if step < 2560}
    assert client.on(UPLOAD, path_of(file, 800)).status == 400
    client.replica.faults.set("thumb-step-429")
    refused = client.on(UPLOAD, path_of(file, 800))
    assert (refused.status, refused.headers["Retry-After"]) == (429, "10")
    assert b"Use thumbnail steps listed on" in refused.content
    assert client.on(UPLOAD, path_of(file, 960)).status == 200


def test_maxlag_is_an_error_with_status_200_to_who_asked_for_it(client: Client) -> None:
    client.replica.faults.set("maxlag", first=2)
    for _ in range(2):
        lagging = client.api(**MUSTANGS)
        error = lagging.json()["error"]
        assert (lagging.status, error["code"], error["lag"]) == (200, "maxlag", 7.2)
        assert "query" not in lagging.json()
        assert (lagging.headers["Retry-After"], lagging.headers["X-Database-Lag"]) == ("5", "7")
    assert "query" in client.api(**MUSTANGS).json()
    client.replica.faults.set("maxlag", "30")
    assert "query" in client.api(**MUSTANGS, maxlag="31").json()
    client.replica.faults.set("short-retry-after", "1")
    assert client.api(**MUSTANGS, maxlag="9").headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ratelimited", "ratelimited"),
        ("readonly", "readonly"),
        ("error-in-200", "internal_api_error_DBQueryError"),
    ],
)
def test_errors_come_with_status_200(client: Client, name: str, code: str) -> None:
    client.replica.faults.set(name, first=1)
    broken = client.api(**MUSTANGS)
    assert (broken.status, broken.json()["error"]["code"]) == (200, code)
    assert broken.headers["MediaWiki-API-Error"] == code
    assert "query" in client.api(**MUSTANGS).json()


def test_the_firewall_answers_in_html(client: Client) -> None:
    client.replica.faults.set("html-403")
    blocked = client.api(**MUSTANGS)
    assert blocked.status == 403
    assert blocked.headers["Content-Type"].startswith("text/html")
    with pytest.raises(json.JSONDecodeError):
        blocked.json()


def test_an_empty_page_is_not_the_end(client: Client) -> None:
    client.replica.faults.set("empty-page-with-continue")
    empty = client.api(**MUSTANGS).json()
    assert "query" not in empty
    rest = client.api(**MUSTANGS, **empty["continue"]).json()
    assert len(rest["query"]["pages"]) == len(client.wiki.files_in("Ford Mustang"))
    assert "continue" not in rest


def test_imageinfo_may_come_over_several_answers(client: Client) -> None:
    client.replica.faults.set("split-props", "7")
    expected = len(client.wiki.files_in("Ford Mustang"))
    more: dict[str, str] = {}
    answers = []
    while more or not answers:
        answers.append(client.api(**MUSTANGS, **more).json())
        more = answers[-1].get("continue", {})
    assert len(answers) == -(-expected // 7) > 2
    assert ["batchcomplete" in answer for answer in answers] == [False] * (len(answers) - 1) + [
        True
    ]
    for answer in answers:
        pages = answer["query"]["pages"]
        assert len(pages) == expected
        assert 0 < sum("imageinfo" in page for page in pages) <= 7


def test_too_many_requests_a_minute_answer_429(client: Client) -> None:
    client.replica.faults.set("api-429", "2")
    statuses = [client.api(titles="File:A.jpg").status for _ in range(4)]
    assert statuses == [200, 200, 429, 429]
    assert 1 <= int(client.api(titles="File:A.jpg").headers["Retry-After"]) <= 60
    client.replica.faults.clear("api-429")
    assert client.api(titles="File:A.jpg").status == 200


def test_who_says_no_contact_is_answered_ten_times_a_minute() -> None:
    meter = Meter()
    answered = [meter.wait("MyCrawler/1.0", UNIDENTIFIED) for _ in range(UNIDENTIFIED + 1)]
    assert answered[:-1] == [0] * UNIDENTIFIED
    assert 0 < answered[-1] <= 60
    assert [meter.wait(AGENT, IDENTIFIED) for _ in range(IDENTIFIED)] == [0] * IDENTIFIED
    assert meter.wait(AGENT, IDENTIFIED) > 0


def test_a_slow_answer_is_an_answer(client: Client) -> None:
    client.replica.faults.set("slow-api", "0.2")
    began = time.monotonic()
    assert "query" in client.api(**MUSTANGS).json()
    assert time.monotonic() - began >= 0.2


def test_a_photo_goes_wrong_as_those_of_other_hosts(client: Client) -> None:
    struck, other = [file for file in client.wiki.files() if file.kind == "car"][:2]
    faults = client.replica.faults
    for name in ("html-as-jpeg", "noai", "redirect-metadata", "redirect-file", "not-found"):
        faults.clear()
        faults.set(name, only=struck.key)
        answer = client.on(UPLOAD, path_of(struck))
        assert client.on(UPLOAD, path_of(other)).content[:2] == b"\xff\xd8"
        if name == "noai":
            assert answer.headers["X-Robots-Tag"] == "noai"
        elif name == "html-as-jpeg":
            assert answer.headers["Content-Type"] == "image/jpeg"
            assert b"<html" in answer.content
        else:
            assert answer.status == (404 if name == "not-found" else 302)
    faults.set("too-many-requests", "4", only="commons")
    assert client.on(UPLOAD, path_of(other)).headers["Retry-After"] == "4"


def test_a_deleted_file_is_gone_from_everywhere(client: Client) -> None:
    file = client.wiki.files_in("Ford Mustang")[0]
    client.wiki.delete(file.name)
    pages = client.api(**MUSTANGS).json()["query"]["pages"]
    assert file.pageid not in {page["pageid"] for page in pages}
    assert len(pages) == len(client.wiki.files_in("Ford Mustang"))
    named = client.api(titles=f"File:{file.name}").json()["query"]["pages"][0]
    assert named["missing"] is True
    assert client.on(UPLOAD, path_of(file)).status == 404
    with pytest.raises(KeyError):
        client.wiki.delete(file.name)


def test_a_new_version_has_the_same_address_and_other_bytes(client: Client) -> None:
    file = a_photo(client, 1200, 1200)
    before, thumb = client.info(file), client.on(UPLOAD, path_of(file, 500)).content
    client.wiki.upload_again(file.name)
    after = client.info(file)
    assert after["url"] == before["url"]
    assert after["sha1"] != before["sha1"]
    assert after["timestamp"] > before["timestamp"]
    assert hashlib.sha1(client.get(after["url"]).content).hexdigest() == after["sha1"]
    assert client.on(UPLOAD, path_of(file, 500)).content != thumb


def test_a_license_can_change(client: Client) -> None:
    file = next(file for file in client.wiki.files() if file.rights.short == "CC BY-SA 4.0")
    client.wiki.relicense(file.name, "CC BY-NC 2.0")
    meta = client.info(file)["extmetadata"]
    assert meta["LicenseShortName"]["value"] == "CC BY-NC 2.0"
    assert "License" not in meta
    with pytest.raises(KeyError):
        client.wiki.relicense(file.name, "CC BY 9.0")


def test_every_switch_is_known_by_name() -> None:
    assert {*API_FAULTS, *MEDIA_FAULTS} <= set(known_faults())
