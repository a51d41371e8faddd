"""AutoScout24 as the replica plays it: searches, offers, robots.txt, and what goes wrong there."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from protego import Protego

from synthetic.replica import invented
from synthetic.replica.autoscout24.data import build_id
from synthetic.replica.autoscout24.words import BODY_NAMES, COLOR_WORDS
from synthetic.replica.cars import OfferedCar
from synthetic.replica.server import start_replica
from synthetic.replica.world import World
from tests.synthetic.replica.asking import COM, DE, IT, Client, cars, offer, offer_path, organic

BE = "www.autoscout24.be"


# Searches


def test_the_pages_of_a_search_show_every_car_once(client: Client) -> None:
    italian = cars(client, lambda car: car.country == "it")
    first = client.get(IT, "/lst?sort=age&desc=1").props
    assert first["numberOfResults"] == len(italian)
    shown = []
    for page in range(1, first["numberOfPages"] + 1):
        answer = client.get(IT, f"/lst?sort=age&desc=1&page={page}")
        sponsored, *rest = answer.props["listings"]
        assert sponsored["searchResultType"] == "Nfm"
        assert sponsored["id"] in {car.guid for car in italian}
        assert len(rest) == 19 or page == first["numberOfPages"]
        shown += [row["id"] for row in organic(answer)]
    assert shown == [car.guid for car in reversed(italian)]


def test_a_page_past_the_end_is_empty(client: Client) -> None:
    props = client.get(IT, "/lst?page=199").props
    assert props["listings"] == []
    assert props["numberOfResults"] > 0


YEARS = st.integers(1995, 2027)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    given=st.fixed_dictionaries(
        {},
        optional={
            "cy": st.sampled_from(["I", "D", "I,D", "A", ""]),
            "body": st.sampled_from(["1", "4", "3,6", "12,13", "7"]),
            "bcol": st.sampled_from(["2", "10,11", "14", "1,2,3,4,5,6,7,10,11,12,13,14,15,16"]),
            "fregfrom": YEARS.map(str),
            "fregto": YEARS.map(str),
            "pricefrom": st.sampled_from(["5000", "20000"]),
            "priceto": st.sampled_from(["9000", "40000"]),
            "kmfrom": st.just("10000"),
            "kmto": st.just("90000"),
            "mmmv": st.sampled_from(["28|15160||", "13|||", "29|||,74|2084||", "1|||"]),
            "ustate": st.sampled_from(["N", "U", "N,U"]),
            "atype": st.sampled_from(["C", "B"]),
        },
    )
)
def test_a_search_finds_what_it_asks_for(client: Client, given: dict[str, str]) -> None:
    props = client.get(IT, f"/lst?{urlencode(given)}").props
    wanted = cars(client, lambda car: fits(car, {"cy": "I", "ustate": "N,U", **given}))
    assert props["numberOfResults"] == len(wanted)
    guids = {car.guid for car in wanted}
    assert {row["id"] for row in props["listings"]} <= guids
    asked = {name: value for name, value in given.items() if value}
    assert asked.items() <= props["pageQuery"].items()
    assert all(isinstance(value, str) for value in props["pageQuery"].values())


def fits(car: OfferedCar, given: dict[str, str]) -> bool:
    """What each parameter means, car by car."""
    listed = {name: value.split(",") for name, value in given.items() if value}
    least = {"fregfrom": car.year, "pricefrom": car.price, "kmfrom": car.mileage}
    most = {"fregto": car.year, "priceto": car.price, "kmto": car.mileage}
    models = [part.split("|") for part in listed.get("mmmv", [])]
    return (
        {"it": "I", "de": "D"}[car.country] in listed.get("cy", ["I", "D"])
        and ("body" not in listed or str(car.body_id) in listed["body"])
        and ("bcol" not in listed or str(car.color_id) in listed["bcol"])
        and ("N" if car.is_new else "U") in listed["ustate"]
        and given.get("atype", "C") == "C"
        and all(int(given[name]) <= value for name, value in least.items() if name in given)
        and all(value <= int(given[name]) for name, value in most.items() if name in given)
        and (
            not models
            or any(
                int(make) == car.model.make_id and model in {"", str(car.model.model_id)}
                for make, model, *_ in models
            )
        )
    )


@pytest.mark.parametrize(
    ("sort", "fact"),
    [
        ("price", lambda car: car.price),
        ("mileage", lambda car: car.mileage),
        ("year", lambda car: car.year),
        ("age", lambda car: car.created),
    ],
)
def test_a_search_has_the_order_that_it_asks_for(
    client: Client, sort: str, fact: Callable[[OfferedCar], Any]
) -> None:
    for desc in (0, 1):
        answer = client.get(IT, f"/lst?sort={sort}&desc={desc}&size=100")
        numbers = [client.world.number(row["id"]) for row in organic(answer)]
        facts = [fact(client.world.car(number)) for number in numbers if number is not None]
        assert len(facts) > 50
        assert facts == sorted(facts, reverse=bool(desc))


def test_the_path_names_make_and_model(client: Client) -> None:
    props = client.get(DE, "/lst/land-rover/defender").props
    assert props["pageQuery"]["mmmv"] == "15641|15728||"
    assert props["pageQuery"]["cat"] == "ma15641mo15728"
    german = cars(client, lambda c: c.model.name == "Defender" and c.country == "de")
    assert props["numberOfResults"] == len(german) > 0
    models = props["taxonomy"]["models"]
    assert [model["label"] for model in models["15641"]] == ["Defender"]
    assert client.get(DE, "/lst").props["taxonomy"]["models"] == {}


@pytest.mark.parametrize("path", ["/lst/bwm", "/lst/bmw/500", "/lst/c/compact"])
def test_an_unknown_slug_searches_the_whole_market(client: Client, path: str) -> None:
    props, whole = client.get(IT, path).props, client.get(IT, "/lst").props
    assert props["numberOfResults"] == whole["numberOfResults"]
    assert "mmmv" not in props["pageQuery"]


@pytest.mark.parametrize("query", ["colour=red", "fuel=D", "page=two", "mmmv=bmw", "fregfrom=2x"])
def test_a_parameter_that_means_nothing_is_not_found(client: Client, query: str) -> None:
    assert client.get(IT, f"/lst/fiat?{query}").status == 404


def test_of_a_parameter_given_twice_the_first_counts(client: Client) -> None:
    assert client.get(IT, "/lst?page=2&page=1").props["pageQuery"]["page"] == "2"


def test_belgium_has_a_language_before_each_path(client: Client) -> None:
    assert client.get(BE, "/lst/fiat").status == 404
    for language, word in (("fr", "offres"), ("nl", "aanbod")):
        props = client.get(BE, f"/{language}/lst/fiat?cy=I").props
        assert props["cultureInfo"]["isoCulture"] == f"{language}-BE"
        assert props["listings"][0]["url"].startswith(f"/{language}/{word}/fiat-")


def test_searches_by_color_and_body_tell_both(client: Client) -> None:
    by_color: Counter[str] = Counter()
    for color in map(int, COLOR_WORDS["de"]):
        props = client.get(DE, f"/lst?bcol={color}&cy=I,D&size=100").props
        by_color.update({str(color): props["numberOfResults"]})
        for row in props["listings"]:
            number = client.world.number(row["id"])
            assert number is not None
            assert client.world.car(number).color_id == color
    bodies = [client.get(DE, f"/lst?body={body}&cy=I,D").props for body in BODY_NAMES["de"]]
    assert sum(by_color.values()) == len(cars(client, lambda car: car.color != "pink"))
    assert sum(props["numberOfResults"] for props in bodies) == len(client.world)


def test_a_search_shows_4000_rows_and_no_more() -> None:
    world = World(seed=5, listings=9_000, photos=1, sites=["it"])
    with start_replica(world) as replica:
        client = Client(replica)
        for size, pages in ((20, 200), (100, 40)):
            props = client.get(IT, f"/lst?size={size}").props
            assert (props["numberOfResults"], props["numberOfPages"]) == (9_000, pages)
            assert len(client.get(IT, f"/lst?size={size}&page={pages}").props["listings"]) == size
            assert client.get(IT, f"/lst?size={size}&page={pages + 1}").props["listings"] == []


def test_the_list_has_no_links_to_offers(client: Client) -> None:
    page = client.get(IT, "/lst/fiat").text
    assert page.count("<article ") == len(client.get(IT, "/lst/fiat").props["listings"])
    body = page.split("<body>")[1].split("<script")[0]
    assert "href" not in body
    assert "as24-cmp-accept-all-button" in body
    assert 'data-testid="listpage-pagination"' in body


def test_data_alone_is_the_same_without_the_choices(client: Client) -> None:
    build = build_id(client.world)
    for path in ("/lst/fiat", "/lst"):
        answer = client.get(IT, f"/_next/data/{build}{path}.json?page=2")
        bare, page = json.loads(answer.content)["pageProps"], client.get(IT, f"{path}?page=2").props
        assert bare["listings"] == page["listings"]
        assert (bare["taxonomy"], bare["translations"]) == (None, None)
        assert "captcha" in str(page["translations"])
    slug = offer_path(client, 0).rsplit("/", 1)[-1]
    answer = client.get(IT, f"/_next/data/{build}/details/{slug}.json")
    assert json.loads(answer.content)["pageProps"]["listingDetails"] == offer(client, 0)


def test_data_of_an_older_build_is_gone(client: Client) -> None:
    stale = f"/_next/data/{build_id(client.world)}/lst.json"
    assert client.get(IT, stale).status == 200
    client.world.deploy()
    assert client.get(IT, stale).status == 404
    assert client.get(IT, f"/_next/data/{build_id(client.world)}/lst.json").status == 200
    assert f'"buildId": "{build_id(client.world)}"' in client.get(IT, "/lst").text


# Offers


def test_a_row_leads_to_its_offer(client: Client) -> None:
    row = organic(client.get(IT, "/lst/fiat"))[0]
    answer = client.get(IT, row["url"])
    details = answer.props["listingDetails"]
    assert details["id"] == row["id"]
    stems = [[url.rsplit("/", 1)[0] for url in of["images"]] for of in (row, details)]
    assert stems[0] == stems[1]
    assert details["prices"]["public"]["priceRaw"] == int(row["tracking"]["price"])
    assert f'rel="canonical" href="{details["webPage"]}"' in answer.text
    assert client.follow(details["images"][0]).status == 200


def test_offers_say_what_is_true_in_the_words_of_their_site(client: Client) -> None:
    for number in range(40):
        car = client.world.car(number)
        for site, language in ((IT, "it"), (DE, "de"), (COM, "en")):
            details = offer(client, number, site)
            vehicle = details["vehicle"]
            assert vehicle["bodyColor"] == COLOR_WORDS[language].get(str(car.color_id))
            assert vehicle["bodyType"] == BODY_NAMES[language][str(car.body_id)]
            assert details["trackingParams"]["classified_bodyType"] == car.body_id
            assert vehicle["mileageInKmRaw"] == car.mileage
            year = (vehicle["firstRegistrationDateRaw"] or "none")[:4]
            assert year == ("none" if car.is_new else str(car.year))


def test_numbers_are_written_as_the_language_does(client: Client) -> None:
    number = next(car.number for car in cars(client) if car.price >= 1000)
    price = client.world.car(number).price
    assert offer(client, number, COM)["prices"]["public"]["price"] == f"€ {price:,}"
    german = f"€ {price:,}".replace(",", ".")
    assert offer(client, number, DE)["prices"]["public"]["price"] == german


def test_an_offer_has_linked_data(client: Client) -> None:
    number = next(car.number for car in cars(client) if car.color_id and not car.is_new)
    page = client.get(IT, offer_path(client, number)).text
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert found is not None
    assert "\\u002F" in found[1]
    product, car = json.loads(found[1]), client.world.car(number)
    item = product["offers"]["itemOffered"]
    assert (product["@type"], item["identifier"]) == ("Product", car.guid)
    assert item["color"] == COLOR_WORDS["it"][str(car.color_id)]
    assert f"<dd>{item['color']}</dd>" in page


def test_everything_personal_is_invented_and_marked(client: Client) -> None:
    row, details = organic(client.get(IT, "/lst"))[0], offer(client, 1)
    for found in (row, details):
        seller = found["seller"]
        for text in (seller["companyName"], seller["contactName"], found["location"]["street"]):
            assert invented.MARK in text
        assert invented.DIGITS in seller["phones"][0]["callTo"]
    assert invented.MARK in details["vehicle"]["licensePlate"]
    assert invented.MARK.upper() in details["vehicle"]["identifier"]["vin"]
    assert invented.DIGITS in details["description"]
    assert invented.DIGITS in details["whatsappNumber"]


def test_an_offer_that_never_was_is_not_found(client: Client) -> None:
    assert client.get(IT, "/annunci/x-00000000-0000-5000-a000-000000000000").status == 404
    assert client.get(IT, "/annunci/no-guid-at-all").status == 404
    assert client.get(IT, f"/angebote/x-{client.world.guid(0)}").status == 404


# What changes between two crawls


@pytest.fixture
def changing() -> Iterator[Client]:
    """A replica of its own, for a test that changes it."""
    with start_replica(World(seed=8, listings=30, photos=3, sites=["it"])) as replica:
        yield Client(replica)


def test_a_car_that_is_sold_is_gone(changing: Client) -> None:
    path = offer_path(changing, 4)
    changing.world.remove(4, 5)
    assert changing.get(IT, path).status == 410
    answer = changing.get(IT, "/lst?size=100")
    assert answer.props["numberOfResults"] == 28
    assert changing.world.guid(4) not in {row["id"] for row in answer.props["listings"]}


def test_another_price_another_title_another_gallery(changing: Client) -> None:
    world, path = changing.world, offer_path(changing, 6)
    before = offer(changing, 6)
    world.reprice(6, 12_340)
    world.regallery(6, [2, 0, 3])
    changed = offer(changing, 6)
    assert changed["prices"]["public"]["priceRaw"] == 12_340
    assert changed["images"][:2] == [before["images"][2], before["images"][0]]
    assert changing.follow(changed["images"][2]).status == 200
    world.retitle(6, "Only here | as new")
    moved = changing.get(IT, path)
    assert moved.status == 308
    assert "only-here-as-new" in moved.headers["Location"]
    renamed = changing.follow(moved.headers["Location"]).props["listingDetails"]
    assert (renamed["id"], renamed["vehicle"]["modelVersionInput"]) == (
        before["id"],
        "Only here | as new",
    )


def test_cars_that_are_added_come_first_by_age(changing: Client) -> None:
    numbers = changing.world.add(3)
    rows = organic(changing.get(IT, "/lst?sort=age&desc=1"))
    assert [row["id"] for row in rows[:3]] == [changing.world.guid(n) for n in reversed(numbers)]


# robots.txt


def test_one_kind_of_robots_closes_the_offers_and_one_does_not(client: Client) -> None:
    for host, path, closed in ((DE, "/angebote/", True), (IT, "/annunci/", False)):
        rules = Protego.parse(client.get(host, "/robots.txt").text)
        root = f"https://{host}"
        assert rules.can_fetch(f"{root}{path}bmw-320-x", "Marque") is not closed
        assert rules.can_fetch(f"{root}/lst/bmw?page=2", "Marque")
        assert not rules.can_fetch(f"{root}/lst?page=2", "Marque")
        assert rules.can_fetch(f"{root}/lst/bmw?cat=ma13", "Marque") is not closed
        assert not rules.can_fetch(f"{root}/lst/bmw", "GPTBot")
        assert rules.crawl_delay("Marque") is None


def test_robots_can_ask_for_a_delay(client: Client) -> None:
    client.replica.faults.set("crawl-delay", "2.5")
    assert Protego.parse(client.get(IT, "/robots.txt").text).crawl_delay("Marque") == 2.5
