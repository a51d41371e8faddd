"""`marque attributions`: credits of the photos of a real catalog."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from catalog.car_columns import open_space
from catalog.register import register
from catalog.table import open_catalog
from core.licenses import License
from core.photos.decode import image_id
from core.records import Photo, Sighting
from labeling.label import label_sightings
from labeling.pending import unembedded_images, unlabeled_sightings
from labeling.publish.cars import append_cars
from labeling.publish.publish import publish
from marque.attributions import attributions
from tests.catalog.making import SIZE, png, record, vectors_for

BY = License("by", "4.0")
PAGE = "https://commons.wikimedia.org/wiki/File:Car.jpg"
IDS = [image_id(png(seed)) for seed in range(6)]


def commons(seed: int, place: str, **facts: Any) -> Photo:
    words = {"title": f"Car *{seed}*", "creator_url": "https://example.net/jo", "changes": "scaled"}
    rights = {"license": BY.name, "license_url": BY.url, "creator": "Jo <b>", "page_url": PAGE}
    words |= {"color": "red"} if seed == 1 else {}
    return Photo(Sighting("commons", place, words, **(rights | facts)), png(seed))


def advert(seed: int, place: str) -> Photo:
    return Photo(Sighting("shop", place, {"color": "blue"}, "https://example.net/offer"), png(seed))


PHOTOS = [
    advert(0, "a"),  # an advert alone
    commons(1, "b"),
    commons(2, "c", attribution="Photo: Jo, as she wants it"),
    advert(3, "d"),  # an advert first, licensed elsewhere
    commons(3, "e", license="GFDL", license_url=None),
    commons(4, "f", license=None),  # its address says which license it is
    commons(5, "g", license=None, license_url="https://example.net/terms"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    catalog = open_catalog(folder / "catalog")
    register(catalog, PHOTOS, run_id="r")
    label_sightings(catalog, unlabeled_sightings(catalog), run_id="r")
    open_space(catalog, "semantic", SIZE, record("m"))
    new, _ = unembedded_images(catalog, "semantic", "m")
    append_cars(catalog, vectors_for(new, "m"))
    publish(catalog)
    return folder


def run(home: Path, *words: str) -> Result:
    before = dict(os.environ)
    try:
        return CliRunner().invoke(attributions, [*words, "--home", str(home)])
    finally:
        os.environ.clear()
        os.environ.update(before)


def credited(home: Path, *words: str) -> tuple[set[int], set[int]]:
    """Seeds of the photos with a license, and of those without, by the JSON document."""
    done = run(home, *words, "--json")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    with_license, without = (
        [IDS.index(each["image_id"]) for each in document[name]]
        for name in ("credits", "no_license")
    )
    assert len(set(with_license + without)) == len(with_license + without)
    return set(with_license), set(without)


def test_all_published_photos_once(home: Path) -> None:
    assert credited(home) == ({1, 2, 3, 4}, {0, 5})


def test_photos_by_id_by_its_beginning_by_filter_and_by_source(home: Path) -> None:
    assert credited(home, IDS[1], IDS[0][:8], IDS[1][:12]) == ({1}, {0})
    assert credited(home, "--where", "color=red") == ({1}, set())
    assert credited(home, "--where", "source=commons", "--where", "color!=red") == ({3}, set())
    assert credited(home, "--source", "shop") == ({3}, {0}), "3 is licensed elsewhere"
    done = run(home, "--source", "nowhere")
    assert done.exit_code == 2
    assert "no photo was seen at 'nowhere'; there are: commons, shop" in done.stderr
    assert credited(home, IDS[2], IDS[0], "--source", "commons") == ({2}, set())


def test_what_is_credited(home: Path) -> None:
    document = json.loads(run(home, *IDS, "--json").stdout)
    by_seed = {IDS.index(each["image_id"]): each for each in document["credits"]}
    line = (
        '"Car *1*" by Jo <b> is licensed under CC BY 4.0. To view a copy of this license, visit '
        "https://creativecommons.org/licenses/by/4.0/."
    )
    assert by_seed[1] == {
        "image_id": IDS[1], "source": "commons", "page_url": PAGE, "image_url": None,
        "title": "Car *1*", "creator": "Jo <b>", "creator_url": "https://example.net/jo",
        "license": "CC BY 4.0", "license_url": BY.url, "attribution": line, "own_words": False,
        "changes": "scaled",
    }  # fmt: skip
    assert by_seed[2]["attribution"] == "Photo: Jo, as she wants it"
    assert by_seed[2]["own_words"]
    assert (by_seed[3]["license"], by_seed[3]["attribution"]) == ("GFDL", None)
    assert by_seed[3]["source"] == "commons"
    assert by_seed[4]["license"] == "CC BY 4.0"
    for bare in document["no_license"]:
        assert not any(bare[name] for name in ("license", "attribution", "creator", "title"))


def test_the_documents(home: Path, tmp_path: Path) -> None:
    done = run(home)
    assert done.exit_code == 0, done.output
    assert done.stderr == "4 photos with a license, 2 with no license known\n"
    head, _, apart = done.stdout.partition("## No license known")
    assert head.count("\n- ") == 4
    assert apart.count("\n- ") == 2
    assert rf": [Car \*1\*](<{PAGE}>) by [Jo \<b\>](<https://example.net/jo>)" in head
    assert rf"- Photo {IDS[2][:12]}: Photo: Jo, as she wants it — [Car \*2\*]" in head

    page = tmp_path / "new" / "credits.html"
    done = run(home, "--format", "html", "--out", str(page))
    assert (done.stdout, done.exit_code) == ("", 0)
    assert str(page) in done.stderr
    assert "Jo &lt;b&gt;" in page.read_text(encoding="utf-8")
    assert [each.name for each in page.parent.iterdir()] == ["credits.html"]

    done = run(home, "--format", "csv", "--out", str(page))
    assert done.exit_code == 2
    assert "say --format html" in done.stderr
    page = page.with_suffix(".csv")
    done = run(home, "--format", "csv", "--out", str(page), "--json")
    assert json.loads(done.stdout)["out"] == str(page)
    with page.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["license"] for row in rows].count("no license known") == 2
    assert {row["image_id"] for row in rows} == set(IDS)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["ffffffff"], 1, "begins with 'ffffffff'"),
        (["xyz"], 1, "is not an image id"),
        (["--where", "colour=red"], 2, "did you mean color"),
        ([IDS[0], "--where", "color=red"], 2, "not both"),
        (["--format", "pdf"], 2, "csv"),
    ],
)
def test_what_cannot_be_done(home: Path, words: list[str], status: int, said: str) -> None:
    done = run(home, *words)
    assert done.exit_code == status, done.output
    assert said in done.stderr
    assert done.stdout == ""


def test_without_a_catalog_and_before_anything_is_published(tmp_path: Path) -> None:
    assert "no catalog at" in run(tmp_path / "none").stderr
    catalog = open_catalog(tmp_path / "catalog")
    register(catalog, PHOTOS, run_id="r")
    done = run(tmp_path)
    assert done.exit_code == 1
    assert "nothing is published" in done.stderr
    assert credited(tmp_path, *IDS[:2]) == ({1}, {0}), "ids need no publishing"


def test_a_photo_that_is_seen_nowhere_any_more_has_no_license(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path / "catalog")
    register(catalog, [commons(1, "b")], run_id="r")
    register(catalog, [commons(2, "b")], run_id="s")
    assert credited(tmp_path, *IDS[1:3]) == ({2}, {1})
    assert credited(tmp_path, *IDS[1:3], "--source", "commons") == ({2}, set())


def test_neither_torch_nor_prefect_is_imported(home: Path) -> None:
    code = (
        "import sys; from marque.attributions import attributions;"
        f"attributions.main(['--home', {str(home)!r}], standalone_mode=False);"
        "sys.exit({'torch', 'prefect', 'scrapy'} & set(sys.modules) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert "# Photo credits" in done.stdout
