"""docs/adding-a-site.md, followed: a third site is added by its folder alone, and crawled."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from catalog.table import open_catalog
from core.errors import DriftError
from core.records import SourceError
from crawlers import sites
from crawlers.engine.job import CrawlJob
from crawlers.engine.polite_spider import load_spider
from crawlers.engine.registry import load_query, load_site, load_sites, site_names
from tests.crawlers.thirdsite.replica import CARS, ThirdSite, start_thirdsite
from tests.policy.checks import ROOT, python_files

HERE = Path(__file__).parent / "thirdsite"
SAVED = HERE / "saved"


@pytest.fixture(scope="module")
def thirdsite() -> Iterator[ThirdSite]:
    with start_thirdsite() as site:
        yield site


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The folder is on this process's path."""
    monkeypatch.setattr(sites, "__path__", [*sites.__path__, str(HERE / "crawlers" / "sites")])
    yield
    for name in [name for name in sys.modules if name.startswith("crawlers.sites.thirdsite")]:
        del sys.modules[name]


def python(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run Python with the third site's folder on its path, as PYTHONPATH puts it there."""
    path = os.pathsep.join([str(ROOT), str(HERE)])
    return subprocess.run(
        [sys.executable, *words],
        env=os.environ | {"PYTHONPATH": path, "MARQUE_HOME": str(home), "COLUMNS": "100"},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )


def crawl(home: Path, *words: str) -> dict[str, Any]:
    done = python(home, "-m", "marque", "crawl", "thirdsite", *words, "--json")
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_the_sites_of_the_project_are_found_by_their_folders() -> None:
    assert site_names() == ["autoscout24", "commons"]
    assert {name: site.name for name, site in load_sites().items()} == {
        name: name for name in site_names()
    }
    with pytest.raises(SourceError, match="no web source 'thirdsite'; there are autoscout24, com"):
        load_site("thirdsite")


def test_a_folder_on_the_path_is_a_site(added: None) -> None:
    assert site_names() == ["autoscout24", "commons", "thirdsite"]
    assert load_site("thirdsite").hosts == ("www.thirdsite.example",)
    assert load_spider("thirdsite").name == "thirdsite"
    query = load_query("thirdsite")
    job = CrawlJob("thirdsite", query(make="fiat", max_price=5000), limit=3)
    assert CrawlJob.from_json(job.to_json()) == job


def test_nothing_but_the_registry_names_a_site() -> None:
    for path in python_files("crawlers/engine", "crawlers/imports", "flows", "marque"):
        assert "crawlers.sites." not in path.read_text(encoding="utf-8"), path


def test_saved_pages_say_what_is_expected(added: None) -> None:
    pages = import_module("crawlers.sites.thirdsite.pages.parse")
    search = pages.parse_search((SAVED / "search.html").read_text(encoding="utf-8"))
    assert (len(search.rows), search.total) == (2, 2)
    assert search.next_url == "https://www.thirdsite.example/cars?make=fiat&page=2"
    car = pages.parse_car((SAVED / "car.html").read_text(encoding="utf-8"), search.rows[0])
    assert json.loads(json.dumps(asdict(car))) == json.loads((SAVED / "car.json").read_text())
    with pytest.raises(DriftError, match=r"#total"):
        pages.parse_search("<html>")


def test_its_command_has_the_options_of_its_query(tmp_path: Path) -> None:
    done = python(tmp_path, "-m", "marque", "crawl", "thirdsite", "--help")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "Cars of a make on Third Site." in said
    assert "--make TEXT Make, such as fiat. [required]" in said
    assert "--max-price INTEGER RANGE Leave dearer cars out, in euros. [x>=1]" in said
    assert "--order [newest|cheapest] Which cars come first. [default: newest]" in said
    assert "--per-listing INTEGER RANGE" in said
    assert "--replica URL" in said
    assert "thirdsite" in python(tmp_path, "-m", "marque", "crawl", "--help").stdout
    wrong = python(
        tmp_path, "-m", "marque", "crawl", "thirdsite", "--make", "x", "--max-price", "0"
    )
    assert wrong.returncode == 2
    assert "'--max-price': 0 is not in the range x>=1" in wrong.stderr


def test_it_is_crawled_into_the_catalog(thirdsite: ThirdSite, tmp_path: Path) -> None:
    words = ("--make", "fiat", "--replica", thirdsite.url)
    report = crawl(tmp_path, *words)
    assert report["flow"] == "crawl-thirdsite"
    assert (report["crawl"]["ended"], report["crawl"]["listings"]) == ("finished", CARS)
    assert report["new"] == report["crawl"]["photos"] == 2 * CARS
    catalog = open_catalog(tmp_path / "catalog", create=False)
    rows = catalog.table("sightings").search().limit(100).to_list()
    assert {row["source"] for row in rows} == {"thirdsite-replica"}
    assert {json.loads(row["words"])["model"] for row in rows} == {"Panda"}
    assert {row["license"] for row in rows} == {"CC BY 4.0"}

    thirdsite.asked.clear()
    again = crawl(tmp_path, *words, "--max-price", "3000")
    assert again["parameters"]["max_price"] == 3000
    assert (again["crawl"]["listings"], again["new"], again["known"]) == (3, 0, 6)
    asked = [each for each in thirdsite.asked if "robots.txt" not in each]
    assert asked == ["www /cars?make=fiat&order=newest&max=3000"]


def test_a_dry_run_estimates_it(thirdsite: ThirdSite, tmp_path: Path) -> None:
    report = crawl(tmp_path, "--make", "fiat", "--dry-run", "--replica", thirdsite.url)
    assert report["crawl"]["estimate"]["listings"] == CARS


def test_deployments_can_name_its_flow(tmp_path: Path) -> None:
    code = (
        "import json; from flows.deployed import crawl_thirdsite_flow as flow;"
        "print(json.dumps([flow.name, flow.parameters.model_dump()]))"
    )
    done = python(tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr
    name, schema = json.loads(done.stdout)
    assert name == "crawl-thirdsite"
    assert schema["required"] == ["make"]
    fields = schema["properties"]
    assert fields["order"]["enum"] == ["newest", "cheapest"]
    assert fields["make"]["description"] == "Make, such as fiat."
    assert {"max_price", "per_listing", "limit", "dry_run", "searchable"} <= fields.keys()
