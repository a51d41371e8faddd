"""Contact sheets of runs: kept, bounded, and opened by the link that Prefect's pages show."""

import base64
import http.client
import io
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import pytest
from PIL import Image

from flows.ingest import ingest
from flows.recipe import as_flows
from flows.reporting import sheets
from flows.reporting.sheets import keep_sheet
from flows.run import RunFailedError
from flows.search import search
from flows.server.process import load_running
from flows.settings import Settings
from synthetic.scenes import write_scenes
from tests.flows.server.upping import Up, environment

# What `marque ingest` and the search deployment do, in one process.
COMMAND = """
import json, sys
from pathlib import Path
from flows.server.find import prefect_server
from flows.ingest import ingest
from flows.search import search

with prefect_server(Path(sys.argv[1])) as url:
    assert url, "the server is up"
    came = ingest(source="scenes", path=sys.argv[2])
    again = ingest(source="scenes", path=sys.argv[2])
    photo = next(Path(sys.argv[2]).glob("*.jpg"))
    found = search(text="a red car", image=str(photo), k=5, sheet=sys.argv[3])
    print(json.dumps([each.to_dict() for each in (came, again, found)]))
"""

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    write_scenes(folder, 30, 1)
    return folder


@pytest.fixture(scope="module")
def filled(up: Up, tmp_path_factory: pytest.TempPathFactory, scenes: Path) -> dict[str, Any]:
    """The reports of two ingests and a search in the home of `marque up`, run as flows there."""
    catalog = str(tmp_path_factory.mktemp("sheets") / "catalog")
    words = [sys.executable, "-c", COMMAND, up.home, scenes, up.home / "asked for.png"]
    done = subprocess.run(
        words,
        env=environment(up.home) | {"MARQUE_CATALOG": catalog},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    reports = json.loads(done.stdout.splitlines()[-1])
    return {"home": up.home, "port": up.port, "reports": reports, "auth": up.auth}


def key_of(up: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(up['auth'].encode()).decode()}"}


def artifacts(up: dict[str, Any]) -> list[dict[str, Any]]:
    """Every artifact of these runs, as the API gives it."""
    runs = [each["run_id"] for each in up["reports"]]
    asked = {"sort": "CREATED_DESC", "artifacts": {"flow_run_id": {"any_": runs}}}
    found: list[dict[str, Any]] = _post(up, "artifacts/filter", asked)
    return found


def get(port: int, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """The answer to a path that is sent as it is written."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1800)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        connection.putheader("Accept", "text/html,image/png")
        connection.endheaders()
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, headers, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(("key", "at"), [("search-sheet", 2), ("ingest-sheet", 0)])
def test_the_link_of_an_artifact_opens_the_sheet(filled: dict[str, Any], key: str, at: int) -> None:
    found = [each for each in artifacts(filled) if each["key"] == key]
    assert len(found) == 1, "a run that brought nothing leaves no sheet"
    assert found[0]["type"] == "image"
    link = urlsplit(found[0]["data"])
    assert (link.hostname, link.port) == ("127.0.0.1", filled["port"])
    with urllib.request.urlopen(found[0]["data"]) as answer:
        assert answer.status == 200
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["x-content-type-options"] == "nosniff"
        png = answer.read()
    with Image.open(io.BytesIO(png)) as picture:
        picture.load()
        assert picture.format == "PNG"
    assert png == Path(filled["reports"][at]["sheet"]).read_bytes()
    if key == "search-sheet":
        assert png == (filled["home"] / "asked for.png").read_bytes()


def test_the_hits_are_a_page_with_the_sheet(filled: dict[str, Any]) -> None:
    page = next(each for each in artifacts(filled) if each["key"] == "search-hits")["data"]
    report = filled["reports"][2]
    near = f"/sheets/{report['run_id']}.png"
    assert f"![Contact sheet]({near})" in page
    assert get(filled["port"], near)[0] == 200
    for hit in report["answer"]["hits"]:
        assert f"| {hit['rank']} | {hit['image_id'][:12]} | {hit['score']:.3f} by text and" in page
    assert page.count("credit and license unknown · from scenes") == 5


def test_no_picture_is_in_the_database(filled: dict[str, Any]) -> None:
    for each in artifacts(filled):
        said = json.dumps(each)
        assert "data:" not in said
        assert "base64" not in said
        assert len(said) < 10_000, each["key"]
    files = sorted((filled["home"] / "prefect").glob("prefect.db*"))
    database = b"".join(path.read_bytes() for path in files)
    assert b"search-hits" in database
    for begin in (PNG, b"JFIF", b"iVBORw0KGgo", b"/9j/4AAQ"):  # the last two in base64
        assert begin not in database


def test_the_report_begins_with_what_came_of_it(filled: dict[str, Any]) -> None:
    reports = [each["data"] for each in artifacts(filled) if each["key"] == "ingest-report"]
    assert "30 new of 30 seen, 30 photos can be searched now\n" in reports[1].splitlines(True)[0]
    assert "0 new of 30 seen" in reports[0].splitlines()[0]
    assert filled["reports"][1]["sheet"] is None


def test_nothing_else_of_the_machine_is_served(filled: dict[str, Any]) -> None:
    folder, port = filled["home"] / "sheets", filled["port"]
    name = Path(filled["reports"][2]["sheet"]).name
    (folder / "notes.txt").write_text("private")
    (folder / f"{uuid4()}.txt").write_text("private")
    no_png, away, inside = (folder / f"{uuid4()}.png" for _ in range(3))
    no_png.write_text("<script>")
    away.symlink_to(filled["home"] / "asked for.png")
    inside.mkdir()
    assert get(port, f"/sheets/{name}")[0] == 200
    assert get(port, f"/sheets/{name}", "HEAD")[:1] == (200,)
    assert get(port, f"/sheets/{name}", "DELETE")[0] in {404, 405}
    for path in (
        "/",
        "/notes.txt",
        f"/{no_png.name}",
        f"/{no_png.stem}.txt",
        f"/{away.name}",
        f"/{inside.name}",
        f"/{uuid4()}.png",
        "/../prefect/server.json",
        "/..%2fprefect%2fserver.json",
        "/%2e%2e/prefect/server.json",
        "/..%5cprefect%5cserver.json",
        f"/../sheets/{name}",
        f"/x/../{name}",
        f"//{quote(str(folder))}/{name}",
        f"/%2f{quote(str(folder))}/{name}",
        f"/{name}%00",
        f"/{name}%0a",
        f"/.{name}",
        "/docs",
        "/openapi.json",
    ):
        status, headers, body = get(port, f"/sheets{path}")
        assert status == 404, path
        assert headers["content-type"] == "application/json", path
        assert b"private" not in body


def test_prefect_and_its_services_run_beside_it(filled: dict[str, Any]) -> None:
    status, headers, body = get(filled["port"], "/artifacts")
    assert status == 200
    assert headers["content-type"].startswith("text/html")
    assert b"Prefect" in body
    flow = _post(filled, "flows/", {"name": "later"})["id"]
    past = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2026-01-01T00:00:00Z"}}
    run = _post(filled, "flow_runs/", {"flow_id": flow, "state": past})["id"]
    for _ in range(600):
        (seen,) = _post(filled, "flow_runs/filter", {"flow_runs": {"id": {"any_": [run]}}})
        if seen["state"]["name"] == "Late":
            return  # one of the services that `prefect server start` has too said so
        time.sleep(0.2)
    raise AssertionError("no service marked a run as late that should have begun long ago")


def _post(up: dict[str, Any], path: str, body: dict[str, Any]) -> Any:
    address = f"http://127.0.0.1:{up['port']}/api/{path}"
    headers = {"content-type": "application/json"} | key_of(up)
    asked = urllib.request.Request(address, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(asked) as answer:
        return json.load(answer)


@pytest.fixture
def newest(prefect_harness: None) -> Callable[[str, str], Any]:
    """What an artifact of a run holds, on a server that is not of this home."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

    def read(key: str, run_id: str) -> Any:
        with get_client(sync_client=True) as client:
            kept = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
            found = client.read_artifacts(artifact_filter=kept)
        return next((each.data for each in found if str(each.flow_run_id) == run_id), None)

    return read


def test_another_server_gives_no_dead_link(
    home: Path, scenes: Path, newest: Callable[[str, str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with as_flows():
        came = ingest(source="scenes", path=str(scenes))
    assert newest("ingest-sheet", came.run_id) is None
    with as_flows():
        found = search(where=["view=exterior"], k=3)
    assert newest("search-sheet", found.run_id) is None
    name = str(home / "sheets" / f"{found.run_id}.png")
    assert f"Contact sheet: the file {name}" in newest("search-hits", found.run_id).replace(
        "\\", ""
    )
    assert Path(name).read_bytes().startswith(PNG)

    monkeypatch.setenv("MARQUE_SHEETS_URL", "https://cars.example/sheets/")
    with as_flows():
        found = search(where=["view=exterior"], k=3)
    link = f"https://cars.example/sheets/{found.run_id}.png"
    assert newest("search-sheet", found.run_id) == link
    assert link in newest("search-hits", found.run_id)

    with pytest.raises(RunFailedError, match=r"does not end in \.png"):
        search(k=3, sheet=str(home / "sheet.jpg"))


def test_a_sheet_that_cannot_be_kept_fails_no_run(home: Path, scenes: Path) -> None:
    home.mkdir()
    (home / "sheets").write_text("a file where the folder should be")
    report = ingest(source="scenes", path=str(scenes))
    assert report.status == "done"
    assert any("contact sheet could not be kept" in message for message in report.messages)
    assert report.sheet is None


def test_only_the_newest_are_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "KEEP", 5)
    settings = Settings(home=home)
    folder = home / "sheets"
    folder.mkdir(parents=True)
    for name in ("1-text.png", "mine.png", "notes.txt"):
        (folder / name).write_bytes(PNG)
    left = folder / f".1-{uuid4()}.png.part"  # by a run that was killed
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    kept = []
    for age in range(12):
        kept.append(keep_sheet(settings, str(uuid4()), PNG).path)
        os.utime(kept[-1], (1000 + age, 1000 + age))
    keep_sheet(settings, "no run id", PNG)  # only names of ours are counted and removed
    left_over = {path.name for path in folder.iterdir()}
    mine = {"1-text.png", "mine.png", "notes.txt", "no run id.png"}
    assert left_over == mine | {path.name for path in kept[-5:]}

    monkeypatch.setattr(sheets, "KEEP_BYTES", 3 * len(PNG))
    newest = keep_sheet(settings, str(uuid4()), PNG * 9).path
    assert {path.name for path in folder.iterdir()} == mine | {newest.name}, "the newest stays"


def test_no_server_no_link(home: Path) -> None:
    assert load_running(home / "prefect") is None
    kept = keep_sheet(Settings(home=home), str(uuid4()), PNG)
    assert (kept.link, kept.page_link) == (None, None)
