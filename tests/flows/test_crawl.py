"""The flows that crawl, against the replica: from a site to the catalog."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from catalog.table import Catalog
from flows.reporting.report import RunReport
from flows.run import RunFailedError
from synthetic.replica.server import Replica

WORLD = {"seed": 3, "listings": 200, "photos": 3, "files": 120, "sites": ("it",)}


pytestmark = pytest.mark.usefixtures("home")


def adverts(replica: Replica, **more: Any) -> RunReport:
    from flows.crawl import crawl_recipe

    given: dict[str, Any] = {"make": "fiat", "site": "it", "size": "480x360"} | more
    report: RunReport = crawl_recipe("autoscout24")(**given, replica=replica.url)
    return report


def files(replica: Replica, **more: Any) -> RunReport:
    from flows.crawl import crawl_recipe

    given: dict[str, Any] = {"categories": ["Ford Mustang"], "width": 330} | more
    report: RunReport = crawl_recipe("commons")(**given, replica=replica.url)
    return report


def test_adverts_become_photos_that_can_be_searched(
    replica: Replica, catalog: Callable[[], Catalog]
) -> None:
    report = adverts(replica)
    assert report.crawl is not None
    assert report.crawl["ended"] == "finished"
    assert report.status == "done"
    assert report.new == report.crawl["photos"] == 3 * report.crawl["listings"] > 30
    assert report.published["photos"] == report.new
    assert report.messages == [], "rendered scenes are what marque-tiny is for"
    makes = catalog().column("cars", "make").to_pylist()
    assert set(makes) == {"Fiat"}
    assert set(catalog().column("sightings", "source").to_pylist()) == {"autoscout24-replica"}
    assert report.sheet is not None

    again = adverts(replica)
    assert again.crawl is not None
    assert (again.crawl["photos"], again.crawl["fresh"]) == (0, 0)
    assert (again.new, again.known, again.changed) == (0, report.new, 0)

    number = next(n for n in range(len(replica.world)) if replica.world.car(n).model.make == "Fiat"
                  and not replica.world.car(n).gone)  # fmt: skip
    replica.world.remove(number)
    later = adverts(replica)
    assert later.crawl is not None
    assert (later.crawl["gone"], later.changed) == (1, 3)
    words = catalog().column("sightings", "words").to_pylist()
    assert sum('"status": "gone"' in each for each in words) == 3


def test_free_photos_come_with_license_and_credit(
    replica: Replica, catalog: Callable[[], Catalog]
) -> None:
    report = files(replica)
    assert report.crawl is not None
    assert report.new == report.crawl["photos"] > 10
    assert sum(report.rejected.values()) > 0
    assert report.rejected["license is not known"] > 0
    columns = ["license", "license_url", "attribution", "source", "page_url"]
    rows = catalog().table("cars").search().select(columns).limit(1000).to_list()
    assert len(rows) == report.new
    assert {row["source"] for row in rows} == {"commons-replica"}
    for row in rows:
        assert row["license_url"].startswith("https://creativecommons.org/")
        assert "NC" not in row["license"]
        assert row["attribution"]
        assert "utm_" not in row["page_url"]
    stored = catalog().table("images").search().select(["width"]).limit(1000).to_list()
    assert min(row["width"] for row in stored) >= 320, "measured, not believed"


def test_a_crawl_stops_after_registering(replica: Replica, catalog: Callable[[], Catalog]) -> None:
    report = adverts(replica, limit=20, searchable=False)
    assert report.new == 20
    assert report.stages.keys() == {"crawl", "register"}
    assert catalog().count("cars") == 0


def test_a_site_that_lost_a_field_fails_the_run_and_keeps_what_came(
    replica: Replica, catalog: Callable[[], Catalog]
) -> None:
    replica.faults.set("drift", "listingDetails.prices", after=12)
    with pytest.raises(RunFailedError, match=r"^drift: listingDetails\.prices is") as caught:
        adverts(replica, searchable=False)
    report = caught.value.report
    assert report.status == "failed"
    assert report.crawl is not None
    assert report.crawl["failures"] == [report.error]
    assert report.new == catalog().count("images") == report.crawl["photos"]


def test_a_blocked_crawl_fails_the_run_and_keeps_what_came(
    replica: Replica, catalog: Callable[[], Catalog]
) -> None:
    replica.faults.set("forbidden-403", only="offer", after=25)
    with pytest.raises(RunFailedError, match=r"does not want this crawl: .* 403"):
        adverts(replica)
    photos = catalog().count("cars")
    assert photos == catalog().count("images")
    replica.faults.clear()
    report = adverts(replica)
    assert report.published["photos"] == catalog().count("images") > photos


def test_a_dry_run_estimates_and_keeps_nothing(
    replica: Replica, catalog: Callable[[], Catalog], home: Path
) -> None:
    report = adverts(replica, dry_run=True)
    assert report.status == "done"
    assert report.crawl is not None
    estimate = report.crawl["estimate"]
    assert estimate["listings"] > 20
    assert estimate["photos"] == pytest.approx(3 * estimate["listings"])
    assert set(report.tables()) == {"A first crawl would take"}
    assert catalog().count("images") == 0
    assert list((home / "crawls").rglob("photos/*")) == []


def test_what_is_wrong_with_a_crawl_is_said_before_it_begins(replica: Replica, home: Path) -> None:
    from flows.crawl import crawl_recipe

    with pytest.raises(RunFailedError, match="terms of AutoScout24 forbid automated queries"):
        crawl_recipe("autoscout24")(make="fiat")
    with pytest.raises(RunFailedError, match="contact is not set"):
        crawl_recipe("commons")(categories=["Ford Mustang"])
    before = len(replica.requests)
    with pytest.raises(RunFailedError, match="no AutoScout24 site 'xx'"):
        adverts(replica, site="xx")
    with pytest.raises(RunFailedError, match="no size '1x1'"):
        adverts(replica, size="1x1")
    with pytest.raises(RunFailedError, match="no thumbnails 501"):
        files(replica, width=501)
    with pytest.raises(RunFailedError, match="commercial"):
        files(replica, accept=["by-nc"])
    with pytest.raises(RunFailedError, match="cannot be made from 'make'"):
        files(replica, queries=["ford"], features=["make"])
    assert len(replica.requests) == before
    assert not (home / "crawls" / "autoscout24").exists()


def test_searches_are_made_from_the_vocabulary(replica: Replica) -> None:
    report = files(replica, categories=[], queries=["mustang"], features=["color"],
                   searchable=False)  # fmt: skip
    assert report.new > 10
    asked = {each.query for each in replica.requests if "gsrsearch" in each.query}
    assert all(any(f"mustang%20{color}" in query or f"mustang+{color}" in query for query in asked)
               for color in ("black", "violet", "pink"))  # fmt: skip


def command(*words: str) -> Result:
    from marque.__main__ import commands

    return CliRunner().invoke(commands, [*words, "--json"])


def test_the_commands_ask_for_what_they_are_told(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # which is not for what is on this machine
    where = ("--replica", replica.url)
    before = len(replica.requests)
    done = command("crawl", "autoscout24", "--site", "it", "--make", "fiat", "--year-from", "2015",
                   "--size", "480x360", "--limit", "4", *where)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["new"] == 4
    searches = [each.query for each in replica.requests[before:] if each.path == "/lst/fiat"]
    assert all("fregfrom=2015" in query and "fregto" not in query for query in searches)

    ford = ("crawl", "commons", "--category", "Ford Mustang", "--width", "330", *where)
    done = command(*ford, "--accept", "pdm", "--limit", "3")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["new"] == 3, "beside those that are taken anyhow"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--accept", "by-nc", "--category", "Ford Mustang"), "commercial"),
        (("--category", "Ford Mustang", "--width", "800"), "no thumbnails 800"),
        ((), "say what to look for"),
        (("--query", "caf\udce9"), "is not written in UTF-8"),
    ],
)
def test_wrong_usage_is_told_from_failure(
    replica: Replica, words: tuple[str, ...], said: str
) -> None:
    done = command("crawl", "commons", *words, "--replica", replica.url)
    assert done.exit_code == 2
    assert said in done.output
