"""What goes wrong on the replica's AutoScout24, each switch by its name."""

from collections import Counter

import pytest

from synthetic.replica.autoscout24.words import BODY_NAMES
from tests.synthetic.replica.asking import DE, IT, Client, cars, offer, offer_path, organic


def test_null_color(client: Client) -> None:
    number = next(car.number for car in cars(client) if car.color_id)
    client.replica.faults.set("null-color", only=client.world.guid(number))
    answer = client.get(IT, offer_path(client, number))
    vehicle = answer.props["listingDetails"]["vehicle"]
    assert (vehicle["bodyColor"], vehicle["bodyColorOriginal"]) == (None, None)
    assert (vehicle["rawData"]["bodyColor"], vehicle["bodyColorRaw"]) == (None, None)
    assert '"color"' not in answer.text.split('id="__NEXT_DATA__"')[0]


@pytest.mark.parametrize(("fault", "status"), [("removed-410", 410), ("removed-404", 404)])
def test_removed(client: Client, fault: str, status: int) -> None:
    paths = [offer_path(client, number) for number in (0, 1)]
    client.replica.faults.set(fault, only=client.world.guid(0))
    assert [client.get(IT, path).status for path in paths] == [status, 200]


def test_transient_404(client: Client) -> None:
    path = offer_path(client, 0)
    client.replica.faults.set("transient-404")
    assert [client.get(IT, path).status for _ in range(3)] == [404, 200, 200]


def test_guid_reused_by_redirect(client: Client) -> None:
    path = offer_path(client, 0)
    client.replica.faults.set("guid-reused", only=client.world.guid(0))
    answer = client.get(IT, path)
    assert answer.status == 308
    details = client.follow(answer.headers["Location"]).props["listingDetails"]
    assert details["id"] != client.world.guid(0)
    assert details["vehicle"]["make"] != client.world.car(0).model.make


def test_guid_reused_for_another_make(client: Client) -> None:
    path = offer_path(client, 0)
    client.replica.faults.set("guid-reused", "content")
    details = client.get(IT, path).props["listingDetails"]
    assert details["id"] == client.world.guid(0)
    assert details["vehicle"]["make"] != client.world.car(0).model.make


def test_slug_changed(client: Client) -> None:
    row = organic(client.get(IT, "/lst"))[0]
    client.replica.faults.set("slug-changed")
    moved = client.get(IT, row["url"])
    assert moved.status == 308
    assert moved.headers["Location"].endswith(row["id"])
    assert client.follow(moved.headers["Location"]).props["listingDetails"]["id"] == row["id"]


def test_redirect_to_list(client: Client) -> None:
    car, path = client.world.car(0), offer_path(client, 0)
    client.replica.faults.set("redirect-to-list")
    answer = client.get(IT, path)
    assert answer.status == 301
    query = client.follow(answer.headers["Location"]).props["pageQuery"]
    assert query["mmmv"] == f"{car.model.make_id}|{car.model.model_id}||"


def test_too_many_requests(client: Client) -> None:
    client.replica.faults.set("too-many-requests", "120", first=2)
    answers = [client.get(IT, "/lst/fiat") for _ in range(3)]
    assert [answer.status for answer in answers] == [429, 429, 200]
    assert [answer.headers["Retry-After"] for answer in answers] == ["120", "120", None]
    client.replica.faults.set("too-many-requests", only="offer")
    assert client.get(IT, "/lst/fiat").status == 200
    answer = client.get(IT, f"/annunci/x-{client.world.guid(0)}")
    assert (answer.status, answer.headers["Retry-After"]) == (429, None)
    assert client.get(IT, "/robots.txt").status == 200


def test_forbidden(client: Client) -> None:
    client.replica.faults.set("forbidden-403")
    answer = client.get(IT, "/lst/fiat")
    assert (answer.status, "__NEXT_DATA__" in answer.text) == (403, False)


def test_no_next_data(client: Client) -> None:
    path = offer_path(client, 0)
    client.replica.faults.set("no-next-data")
    for answer in (client.get(IT, "/lst/fiat"), client.get(IT, path)):
        assert (answer.status, "__NEXT_DATA__" in answer.text) == (200, False)


def test_bounce_home(client: Client) -> None:
    client.replica.faults.set("bounce-home", only="search")
    answer = client.get(IT, "/lst/fiat")
    assert (answer.status, answer.headers["Location"]) == (302, "/")
    assert client.get(IT, "/").status == 200


def test_no_listings_is_not_empty_listings(client: Client) -> None:
    client.replica.faults.set("no-listings")
    assert "listings" not in client.get(IT, "/lst/fiat").props
    client.replica.faults.clear()
    client.replica.faults.set("empty-listings")
    props = client.get(IT, "/lst/fiat").props
    assert props["listings"] == []
    assert props["numberOfResults"] > 0


def test_missing_price_raw(client: Client) -> None:
    client.replica.faults.set("missing-price-raw")
    assert all("priceRaw" not in row["price"] for row in client.get(IT, "/lst").props["listings"])
    assert "priceRaw" not in offer(client, 0)["prices"]["public"]


def test_english_labels(client: Client) -> None:
    client.replica.faults.set("english-labels")
    car = client.world.car(1)
    assert offer(client, 1, DE)["vehicle"]["bodyType"] == BODY_NAMES["en"][str(car.body_id)]


def test_png_stems(client: Client) -> None:
    client.replica.faults.set("png-stems")
    urls = offer(client, 0)["images"]
    assert all(".png/1280x960.webp" in url for url in urls)
    assert client.follow(urls[0].replace(".webp", ".jpg")).headers["Content-Type"] == "image/jpeg"


def test_recommendations(client: Client) -> None:
    client.replica.faults.set("recommendations")
    rows = client.get(IT, "/lst/porsche").props["listings"]
    sections = Counter(row["searchResultSection"] for row in rows)
    assert sections["Recommendations"] == 3
    main = {row["vehicle"]["make"] for row in rows if row["searchResultSection"] == "Main"}
    assert main == {"Porsche"}


def test_pages_beyond_end(client: Client) -> None:
    pages = client.get(IT, "/lst").props["numberOfPages"]
    client.replica.faults.set("pages-beyond-end", "7")
    assert client.get(IT, "/lst").props["numberOfPages"] == pages + 7
    assert client.get(IT, f"/lst?page={pages + 7}").props["listings"] == []


def test_drift(client: Client) -> None:
    client.replica.faults.set("drift", "listings.tracking.price+listingDetails.vehicle.bodyColor")
    rows = client.get(IT, "/lst").props["listings"]
    assert rows
    assert all("price" not in row["tracking"] and row["tracking"]["mileage"] for row in rows)
    vehicle = offer(client, 0)["vehicle"]
    assert "bodyColor" not in vehicle
    assert "bodyType" in vehicle
    client.replica.faults.set("drift", "taxonomy.makes")
    assert "makes" not in client.get(IT, "/lst").props["taxonomy"]
    client.replica.faults.clear()
    assert "makes" in client.get(IT, "/lst").props["taxonomy"]


def test_inactive(client: Client) -> None:
    assert offer(client, 0)["status"] == "Active"
    client.replica.faults.set("inactive")
    assert offer(client, 0)["status"] == "Inactive"


def test_unregistered_hidden(client: Client) -> None:
    everything = client.get(IT, "/lst?fregfrom=1900").props["numberOfResults"]
    client.replica.faults.set("unregistered-hidden")
    hidden = client.get(IT, "/lst?fregfrom=1900").props["numberOfResults"]
    new = cars(client, lambda car: car.is_new and car.country == "it")
    assert everything - hidden == len(new) > 0
