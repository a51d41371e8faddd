"""How sites are asked is polite and open, for every source and every spider that there is."""

import re
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy import Spider
from scrapy.settings import Settings

from core.errors import UsageMistakeError
from core.web import Web
from crawlers.engine.crawl_state import CrawlState
from crawlers.engine.job import CrawlJob, CrawlReport
from crawlers.engine.polite_spider import PoliteSpider, load_spider
from crawlers.engine.politeness.agent import NoContactError, user_agent
from crawlers.engine.registry import load_query, load_sites
from crawlers.engine.runner import PermissionNeededError, check_job, run_crawl
from crawlers.engine.settings import crawl_settings
from crawlers.engine.site import Pace, Site
from crawlers.engine.store import open_store
from crawlers.sites.autoscout24.site import AUTOSCOUT24
from crawlers.sites.commons.site import COMMONS
from tests.policy.checks import ROOT, python_files

CONTACT = "me@example.org"
BROWSERS = re.compile(r"mozilla|chrome|safari|firefox|webkit|gecko|opera|edge", re.IGNORECASE)
SCRAPYS_PHOTOS = 1024 * 1024 * 1024  # what Scrapy takes of one answer unless it is told otherwise

SITES = load_sites()


def job_of(name: str, **more: Any) -> CrawlJob:
    """A small crawl of a site."""
    query = load_query(name)
    return CrawlJob(name, query(**query.example), **more)


every_site = pytest.mark.parametrize("site", SITES.values(), ids=SITES)


@pytest.fixture
def made(site: Site, tmp_path: Path) -> Iterator[Settings]:
    """The settings of a live crawl of a site, as Scrapy sees them."""
    job = job_of(site.name, contact=CONTACT, permission=True)
    store = open_store(tmp_path)
    report = CrawlReport(site.name, "crawl", "now")
    yield Settings(crawl_settings(CrawlState(job, site, Web(), store, report)))
    store.close()


@every_site
def test_robots_are_obeyed_and_nobody_is_followed_or_deceived(made: Settings) -> None:
    assert made.getbool("ROBOTSTXT_OBEY")
    assert made["ROBOTSTXT_USER_AGENT"] == "Marque"
    assert not made.getbool("COOKIES_ENABLED")
    assert not made.getbool("REFERER_ENABLED")
    assert not made.getbool("TELNETCONSOLE_ENABLED")
    agent = made["USER_AGENT"]
    assert re.fullmatch(r"Marque/\S+ \(me@example\.org\) Scrapy/\S+", agent)
    assert not BROWSERS.search(agent)
    assert b"User-Agent" not in made["DEFAULT_REQUEST_HEADERS"]


@every_site
def test_every_host_is_asked_slowly(made: Settings, site: Site) -> None:
    slots = made.getdict("DOWNLOAD_SLOTS")
    assert slots.keys() == {*site.hosts, *site.photo_hosts}
    for host, slot in slots.items():
        pages = host in site.hosts
        assert slot["delay"] == (site.pace.delay if pages else site.pace.photo_delay) > 0, host
        at_once = site.pace.concurrency if pages else site.pace.photo_concurrency
        assert slot["concurrency"] == at_once <= 2, host
        assert "jitter" not in slot, host
    assert made.getfloat("DOWNLOAD_DELAY_JITTER") == 0, "a delay is never made shorter"
    assert made.getbool("AUTOTHROTTLE_ENABLED")
    assert made.getdict("EXTENSIONS")["crawlers.engine.politeness.throttle.Throttle"] is not None
    assert 0 < site.max_requests <= 50_000
    assert made.getint("RETRY_TIMES") <= 2
    assert 429 not in made.getlist("RETRY_HTTP_CODES")
    assert 403 not in made.getlist("RETRY_HTTP_CODES")


def test_commons_is_asked_three_things_at_a_time_over_all_hosts() -> None:
    pace = COMMONS.pace
    pages = pace.concurrency * len(COMMONS.hosts)
    media = pace.photo_concurrency * len(COMMONS.photo_hosts)
    assert pages + media <= 3
    assert media <= 2


@every_site
def test_answers_are_bounded_and_connections_checked(made: Settings, site: Site) -> None:
    assert 0 < made.getint("DOWNLOAD_MAXSIZE") <= SCRAPYS_PHOTOS / 16
    assert 0 < site.max_photo_bytes <= SCRAPYS_PHOTOS / 16
    assert 0 < made.getfloat("DOWNLOAD_TIMEOUT") <= 120
    assert made.getbool("DOWNLOAD_VERIFY_CERTIFICATES")
    schemes = {name for name, handler in made.getwithbase("DOWNLOAD_HANDLERS").items() if handler}
    assert schemes == {"http", "https"}
    assert made["TWISTED_DNS_RESOLVER"] == "crawlers.engine.politeness.resolver.PublicResolver"


@every_site
def test_between_us_and_the_site_is_only_what_is_known(made: Settings) -> None:
    """No middleware that changes who we are or where we ask from."""
    found = made.getwithbase("DOWNLOADER_MIDDLEWARES")
    on = {str(name): place for name, place in found.items() if place is not None}
    ours = {name for name in on if not name.startswith("scrapy.")}
    assert ours == {
        "crawlers.engine.politeness.gate.Gate",
        "crawlers.engine.politeness.robots.Robots",
    }
    assert on["crawlers.engine.politeness.gate.Gate"] == max(on.values()), (
        "the last before the network"
    )
    known = Settings().getwithbase("DOWNLOADER_MIDDLEWARES")
    assert on.keys() - ours <= {str(name) for name in known}


@every_site
def test_every_record_of_a_site_is_complete(site: Site) -> None:
    assert site.home.startswith("https://")
    assert len(site.terms) > 40
    assert len(site.rights) > 20
    assert site.hosts
    assert site.photo_hosts
    for host in (*site.hosts, *site.photo_hosts):
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host), host
        assert re.search("[a-z]", host.rpartition(".")[2]), "a name, no address"
    assert site.page_bytes > 0
    assert site.photo_bytes > 0
    expected = site.expected
    assert 0 <= expected.least_share <= 1
    assert expected.most_photos >= 1
    assert expected.judge_from > 0
    assert len(expected.why) > 20
    assert expected.fills
    for fill in expected.fills:
        assert 0 < fill.least <= 1, fill.field
        assert len(fill.why) > 15, fill.field
    reasons = [fill.why for fill in expected.fills]
    assert len(set(reasons)) == len(reasons), "a reason of its own for each number"


def test_every_site_has_a_spider_and_every_spider_a_site() -> None:
    of_sites = {load_spider(name) for name in SITES}
    assert {spider.name for spider in of_sites} == {site.name for site in SITES.values()}
    assert {site.name for site in SITES.values()} == SITES.keys(), "named as its folder"
    for module in python_files("crawlers"):
        import_module(
            ".".join(module.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        )
    found = set(descendants(Spider))
    ours = {spider for spider in found if spider.__module__.startswith("crawlers.")}
    assert ours == {PoliteSpider, *of_sites}
    for spider in ours:
        # Settings of its own would go before those that are checked here.
        assert not spider.custom_settings, spider
        for name in ("user_agent", "download_delay", "http_user", "rotate_user_agent"):
            assert not hasattr(spider, name), spider


def descendants(of: type[Any]) -> Iterator[type[Any]]:
    for child in of.__subclasses__():
        yield child
        yield from descendants(child)


EVASIONS = re.compile(
    r"fake.?user.?agent|random.?user.?agent|user.?agents\b|impersonat|rotat\w+.?prox|prox\w+.?pool"
    r"|cloudscraper|curl_cffi|undetected|playwright|selenium|splash|2captcha|anticaptcha|capsolver"
    r"|verify\s*=\s*False|CERT_NONE|_create_unverified|ROBOTSTXT_OBEY\W+False|x-forwarded-for"
    r"|DOWNLOAD_VERIFY_CERTIFICATES\W+False|sec-ch-ua|mozilla/",
    re.IGNORECASE,
)


def crawling() -> list[Path]:
    """What runs against sites: all of `crawlers` but the replica, which plays them."""
    return list(python_files("crawlers"))


def test_nothing_gets_round_a_site() -> None:
    found = []
    for path in crawling():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if EVASIONS.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "from fake_useragent import UserAgent",
        "requests.get(url, verify=False)",
        'settings["ROBOTSTXT_OBEY"] = False',
        "headers = {'User-Agent': 'Mozilla/5.0'}",
        "ROTATING_PROXY_LIST = []",
    ],
)
def test_what_would_get_round_a_site_is_found(line: str) -> None:
    assert EVASIONS.search(line)


def test_robots_are_left_aside_only_for_a_declared_api() -> None:
    using = [path for path in crawling() if "dont_obey_robotstxt" in path.read_text()]
    assert [path.name for path in using] == ["polite_spider.py"]
    place = using[0].read_text().split("dont_obey_robotstxt")
    assert len(place) == 2
    assert "== self.crawl.site.api" in place[0][-200:]
    assert {site.name: site.api for site in SITES.values() if site.api} == {
        "commons": "/w/api.php"
    }, "an API with rules of its own, which are kept"


def test_openverse_is_no_source() -> None:
    assert not any("openverse" in name.lower() for name in SITES)
    hosts = [host for site in SITES.values() for host in (*site.hosts, *site.photo_hosts)]
    assert not any("openverse" in host for host in hosts)
    for path in crawling():
        assert "api.openverse" not in path.read_text(encoding="utf-8").lower(), path


@every_site
def test_a_live_crawl_without_a_contact_is_refused(site: Site, tmp_path: Path) -> None:
    job = job_of(site.name, permission=True)
    with pytest.raises(NoContactError, match=r"the setting contact is not set; give an address"):
        run_crawl(job, tmp_path)
    assert list(tmp_path.iterdir()) == []
    check_job(replace(job, contact=CONTACT))


NONSENSE = ["", " ", "me", "me@", "@example.org", "me@example", "http://", "https://x", "ftp://a.b",
            "call me@example.org", "me@example.org\r\nCookie: a", "https://a.b c"]  # fmt: skip


@pytest.mark.parametrize("contact", NONSENSE)
@every_site
def test_a_live_crawl_with_a_nonsense_contact_is_refused(site: Site, contact: str) -> None:
    with pytest.raises(NoContactError, match="give an address of mail or web"):
        check_job(job_of(site.name, permission=True, contact=contact))


@given(st.text() | st.from_regex(r"\S+@\S+\.\S+") | st.from_regex(r"https?://\S+\.\S+"))
def test_a_contact_is_refused_or_told_in_one_line(contact: str) -> None:
    try:
        agent = user_agent(contact, replica=False)
    except NoContactError:
        return
    assert re.fullmatch(r"Marque/\S+ \(\S+\) Scrapy/\S+", agent)
    assert contact.strip() in agent


def test_autoscout24_needs_a_permission_and_says_why() -> None:
    assert AUTOSCOUT24.permission == "autoscout24_permission"
    job = job_of("autoscout24", contact=CONTACT)
    with pytest.raises(PermissionNeededError) as refused:
        check_job(job)
    assert "forbid automated queries of its database without permission" in str(refused.value)
    assert "set autoscout24_permission = true" in str(refused.value)
    check_job(replace(job, permission=True))
    check_job(replace(job, contact=None, replica="http://127.0.0.1:1"))


@every_site
def test_the_pace_of_a_live_crawl_is_the_sites_own(site: Site) -> None:
    hasty = job_of(
        site.name,
        contact=CONTACT,
        permission=True,
        pace=Pace(0, 100, 0, 100),
    )
    with pytest.raises(UsageMistakeError, match="asked at its own pace"):
        check_job(hasty)


def test_nobody_pretends_to_ask_a_replica() -> None:
    for address in ("https://127.0.0.1:1", "http://www.autoscout24.de", "http://10.0.0.1:80"):
        job = job_of("autoscout24", replica=address, pace=Pace(0, 100, 0, 100))
        with pytest.raises(UsageMistakeError, match="a replica is on this machine"):
            check_job(job)
