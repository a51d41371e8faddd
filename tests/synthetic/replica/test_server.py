"""The replica as a server: its hosts, its log, its switches, its photos and its end."""

import io
import os
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.errors import UsageMistakeError
from synthetic.replica.faults import Faults, declare_faults, known_faults
from synthetic.replica.guids import guid_of, number_of
from synthetic.replica.photos import SceneChoice, ScenePool, marked_jpeg
from synthetic.replica.server import ReplicaError, start_replica
from synthetic.replica.world import World
from synthetic.scenes import render
from synthetic.scenes.painter import SCENE_SIZE
from tests.synthetic.replica.asking import IT, PICTURES, Client

declare_faults({"test-switch": "a switch of these tests", "transient-test": "one that passes"})


def photo_path(world: World, car: int, place: int = 0, size: str = "1280x960.jpg") -> str:
    photo = world.car(car).photos[place]
    return f"/listing-images/{world.guid(car)}_{world.photo_guid(photo)}.jpg/{size}"


# Hosts, log, start and end


def test_hosts_are_told_apart_by_name(client: Client) -> None:
    it, de = client.get(IT, "/lst/fiat"), client.get("www.autoscout24.de", "/lst/fiat")
    assert (it.props["cultureInfo"]["tld"], de.props["cultureInfo"]["tld"]) == ("it", "de")
    assert client.get("commons.wikimedia.org", "/robots.txt").status == 200
    unknown = client.get("www.autoscout24.ch", "/")
    assert unknown.status == 404
    assert IT in unknown.text


def test_requests_are_logged(client: Client) -> None:
    before = len(client.replica.requests)
    client.get(IT, "/lst/fiat?page=2", agent="Marque/1")
    client.get(PICTURES, "/nothing")
    first, second = client.replica.requests[before:]
    assert first[1:] == (IT, "/lst/fiat", "page=2", 200, "Marque/1", 1)
    assert (second.host, second.path, second.status) == (PICTURES, "/nothing", 404)
    assert first.time < second.time


def test_the_log_says_how_many_were_answered_at_once(client: Client) -> None:
    slow, other = photo_path(client.world, 0), photo_path(client.world, 1)
    client.replica.faults.set("slow-forever", only=client.world.guid(0))
    with client.open(PICTURES, slow) as response:
        assert response.read(1) == b"\xff"
        client.get(PICTURES, other)
        assert client.replica.requests[-1].at_once == 2
        client.get(IT, "/lst/fiat")
        assert client.replica.requests[-1].at_once == 1


def test_it_stops_while_endless_answers_are_on_their_way() -> None:
    world = World(listings=2, photos=1)
    with start_replica(world) as replica:
        replica.faults.set("endless", only=world.guid(0))
        replica.faults.set("slow-forever", only=world.guid(1))
        client = Client(replica)
        endless = client.open(PICTURES, photo_path(world, 0))
        slow = client.open(PICTURES, photo_path(world, 1))
        assert len(endless.read(3_000_000)) == 3_000_000
        assert slow.read(1) == b"\xff"
    port = urlsplit(replica.url).port
    with socket.socket() as asked:
        assert asked.connect_ex(("127.0.0.1", port)) != 0
    endless.close()
    slow.close()


def test_a_port_that_is_taken_is_named(client: Client) -> None:
    port = urlsplit(client.replica.url).port
    assert port is not None
    with pytest.raises(ReplicaError, match=f"port {port} .*--port"), start_replica(World(), port):
        pass


def test_the_command_serves_until_it_is_told_to_end() -> None:
    code = "from marque.replica import replica; replica(['--port', '0', '--listings', '5'])"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        assert "5 cars" in lines[0]
        assert "http://www.autoscout24.it.localhost:" in lines[1]
        os.kill(process.pid, signal.SIGTERM)
        _, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")


# Switches


def test_an_unknown_switch_names_those_that_there_are() -> None:
    for use in (Faults().set, Faults().set_text, Faults().clear, Faults().strikes):
        with pytest.raises(UsageMistakeError, match=r"'nul-color'.*null-color"):
            use("nul-color")
    assert all(does for does in known_faults().values())


@given(st.integers(0, 5), st.none() | st.integers(0, 5), st.integers(0, 12))
def test_a_switch_strikes_the_first_requests_after_some(
    after: int, first: int | None, requests: int
) -> None:
    faults = Faults()
    faults.set("test-switch", after=after, first=first)
    struck = [faults.strikes("test-switch", "a thing") for _ in range(requests)]
    most = requests if first is None else first
    assert struck == [after <= i < after + most for i in range(requests)]


@given(st.integers(1, 9), st.lists(st.text(min_size=1), unique=True))
def test_every_so_manieth_thing_is_always_the_same(every: int, keys: list[str]) -> None:
    faults = Faults()
    faults.set("test-switch", every=every)
    struck = [faults.strikes("test-switch", key) for key in keys]
    assert struck == [faults.strikes("test-switch", key) for key in keys]
    if every == 1:
        assert all(struck)


def test_about_every_third_of_many_things_is_struck() -> None:
    faults = Faults()
    faults.set("test-switch", every=3)
    struck = sum(faults.strikes("test-switch", guid_of("car", 1, i)) for i in range(3000))
    assert 900 < struck < 1100


def test_a_switch_can_be_for_some_things_only() -> None:
    faults = Faults()
    faults.set("test-switch", only=("offer", "a guid"))
    assert faults.strikes("test-switch", "another guid", "offer")
    assert faults.strikes("test-switch", "a guid", "photo")
    assert not faults.strikes("test-switch", "another guid", "photo")
    faults.clear("test-switch")
    assert not faults.strikes("test-switch", "a guid")


def test_a_transient_switch_strikes_each_thing_once() -> None:
    faults = Faults()
    faults.set("transient-test")
    struck = [faults.strikes("transient-test", key) for key in ("a", "b", "a", "b", "c")]
    assert struck == [True, True, False, False, True]


def test_a_switch_is_set_from_a_line() -> None:
    faults = Faults()
    faults.set_text("test-switch=7,after=1,first=2")
    assert faults.value("test-switch") == "7"
    assert [faults.strikes("test-switch", "a") for _ in range(4)] == [False, True, True, False]
    with pytest.raises(UsageMistakeError, match="'ever=2'"):
        faults.set_text("test-switch,ever=2")


# The world


@given(st.integers(0, 2**31), st.integers(0, 40), st.integers(1, 40))
def test_a_larger_world_begins_with_the_smaller_one(seed: int, small: int, more: int) -> None:
    first, second = World(seed, small), World(seed, small + more)
    grown = World(seed, small)
    assert grown.add(more) == range(small, small + more)
    assert [first.car(i) for i in range(small)] == [second.car(i) for i in range(small)]
    assert [grown.car(i) for i in range(len(grown))] == [second.car(i) for i in range(len(second))]


@given(st.integers(0, 2**31), st.integers(0, 2**47))
def test_a_guid_leads_back_to_its_number(seed: int, number: int) -> None:
    guid = guid_of("car", seed, number)
    assert number_of("car", seed, guid) == number
    assert number_of("photo", seed, guid) is None
    assert number_of("car", seed + 1, guid) is None
    assert number_of("car", seed, f"{guid[:-1]}{'1' if guid[-1] == '0' else '0'}") is None


@pytest.mark.parametrize("text", ["", "x", "00000000-0000-5000-a000-000000000000", "é" * 36])
def test_what_is_no_guid_of_ours_has_no_number(text: str) -> None:
    assert number_of("car", 1, text) is None


def test_photos_show_mostly_the_car_from_outside() -> None:
    world = World(seed=2, listings=60)
    cars = [world.car(i) for i in range(60)]
    for car in cars:
        first = world.picture(car.photos[0])
        assert (first.view, first.color, first.body_type) == ("exterior", car.color, car.body)
    shown = [world.picture(photo) for car in cars for photo in car.photos]
    views = [picture.view for picture in shown]
    assert views.count("exterior") > len(views) / 2
    assert set(views) == {"exterior", "interior", "detail", "not_a_car"}


def test_no_cars_stand_in_a_country_without_a_site() -> None:
    with pytest.raises(UsageMistakeError, match="'ch'"):
        World(sites=["ch"])


# Photos


@given(st.text())
def test_a_marked_photo_is_the_same_picture_in_other_bytes(text: str) -> None:
    plain = ScenePool((64, 48)).file(SceneChoice(1))
    marked = marked_jpeg(plain, text)
    assert marked != plain
    assert marked[:4] == plain[:4]
    with Image.open(io.BytesIO(marked)) as image, Image.open(io.BytesIO(plain)) as before:
        assert image.info["comment"] == text.encode()
        assert np.array_equal(np.asarray(image), np.asarray(before))


def test_what_cannot_be_marked_is_refused() -> None:
    with pytest.raises(ValueError, match="ff d8"):
        marked_jpeg(b"GIF89a", "x")
    with pytest.raises(ValueError, match="70000"):
        marked_jpeg(ScenePool((64, 48)).file(SceneChoice(1)), "x" * 70_000)


def test_a_picture_is_the_scene_that_was_asked_for() -> None:
    content = ScenePool((240, 200)).file(SceneChoice(5, "exterior", "red", "van"))
    scene = render(5, (240, 200), view="exterior", color="red", body_type="van")
    with Image.open(io.BytesIO(content)) as image:
        apart = np.abs(np.asarray(image, dtype=float) - np.asarray(scene.image, dtype=float))
    assert apart.mean() < 6


def test_photos_are_as_large_as_asked_for_and_never_enlarged(client: Client) -> None:
    sizes = {"120x90.jpg": (108, 90), "1280x960.jpg": SCENE_SIZE, "250x188.webp": (226, 188)}
    for size, wanted in sizes.items():
        answer = client.get(PICTURES, photo_path(client.world, 0, size=size))
        with Image.open(io.BytesIO(answer.content)) as image:
            assert image.size == wanted
            assert answer.headers["Content-Type"] == f"image/{(image.format or '').lower()}"


def test_no_two_photos_have_the_same_bytes(client: Client) -> None:
    world = client.world
    paths = [photo_path(world, car, place) for car in range(100) for place in range(4)]
    assert len({client.get(PICTURES, path).content for path in paths}) == 400


@pytest.mark.parametrize(
    "path",
    ["/", "/listing-images/x.jpg/120x90.jpg", "/dealer-info/logo.jpg"],
)
def test_other_pictures_are_not_found(client: Client, path: str) -> None:
    assert client.get(PICTURES, path).status == 404


def test_photos_of_another_world_are_not_found(client: Client) -> None:
    other = World(seed=99, listings=5)
    assert client.get(PICTURES, photo_path(other, 0)).status == 404


@pytest.mark.parametrize(
    ("fault", "status", "leads"),
    [
        ("not-found", 404, None),
        ("redirect-metadata", 302, "http://169.254.169.254/"),
        ("redirect-file", 302, "file://"),
        ("redirect-loopback-other-port", 302, "http://127.0.0.1:9/"),
        ("forbidden-403", 403, None),
        ("too-many-requests", 429, None),
    ],
)
def test_photos_that_are_not_sent(
    client: Client, fault: str, status: int, leads: str | None
) -> None:
    client.replica.faults.set(fault, only=client.world.guid(0))
    answer = client.get(PICTURES, photo_path(client.world, 0))
    assert answer.status == status
    assert leads is None or answer.headers["Location"].startswith(leads)
    assert client.get(PICTURES, photo_path(client.world, 1)).status == 200


def test_a_redirect_to_this_machine_takes_the_port_that_is_set(client: Client) -> None:
    client.replica.faults.set("redirect-loopback-other-port", "4711")
    answer = client.get(PICTURES, photo_path(client.world, 0))
    assert answer.headers["Location"] == "http://127.0.0.1:4711/"


def test_html_that_says_it_is_a_photo(client: Client) -> None:
    client.replica.faults.set("html-as-jpeg")
    answer = client.get(PICTURES, photo_path(client.world, 0))
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.content.startswith(b"<!DOCTYPE html>")


def test_a_photo_that_ends_half_way(client: Client) -> None:
    path = photo_path(client.world, 0)
    whole = client.get(PICTURES, path).content
    client.replica.faults.set("truncated")
    half = client.get(PICTURES, path).content
    assert whole.startswith(half)
    with Image.open(io.BytesIO(half)) as image, pytest.raises(OSError, match="truncated"):
        image.load()


@pytest.mark.parametrize(("value", "declared"), [("", None), ("declared", "10000000000")])
def test_a_photo_without_end(client: Client, value: str, declared: str | None) -> None:
    client.replica.faults.set("endless", value)
    with client.open(PICTURES, photo_path(client.world, 0)) as response:
        assert response.headers["Content-Length"] == declared
        assert len(response.read(20_000_000)) == 20_000_000


def test_photos_say_what_they_may_not_be_used_for(client: Client) -> None:
    path = photo_path(client.world, 0)
    assert client.get(PICTURES, path).headers["X-Robots-Tag"] is None
    for fault in ("noai", "noindex"):
        client.replica.faults.set(fault)
    answer = client.get(PICTURES, path)
    assert answer.headers["X-Robots-Tag"] == "noai, noindex"
    assert answer.status == 200
    client.replica.faults.set("noimageai", only=[client.world.guid(1)])
    assert "noimageai" in client.get(PICTURES, photo_path(client.world, 1)).headers["X-Robots-Tag"]
