"""What is read of the environment before any of Prefect is imported."""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from flows.environment import is_loopback, may_be_configured, prepare_environment
from flows.server.process import RunningServer

URL = "http://cars.example/api"
PLACES = {
    ".env": f"PREFECT_API_URL={URL}\n",
    "prefect.toml": f'[api]\nurl = "{URL}"\n',
    "pyproject.toml": f'[tool.prefect.api]\nurl = "{URL}"\n',
    "home/profiles.toml": f'active = "x"\n[profiles.x]\nPREFECT_API_URL = "{URL}"\n',
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    for name in ("PREFECT_API_URL", "PREFECT_PROFILE", "no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    return tmp_path


def test_an_empty_url_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for empty in ("", "  "):
        monkeypatch.setenv("PREFECT_API_URL", empty)
        prepare_environment()
        assert "PREFECT_API_URL" not in os.environ
    assert not may_be_configured()
    monkeypatch.setenv("PREFECT_API_URL", URL)
    prepare_environment()
    assert may_be_configured()


def test_what_prefect_would_use_is_found_wherever_it_is_said(folder: Path) -> None:
    """Asked of Prefect itself, in a process that has not read its settings yet."""
    script = "import sys; from flows.environment import configured_url as ask; print(ask()); "
    script += "print('prefect' in sys.modules)"

    def found() -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        return done.stdout.split()

    (folder / "home").mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "cars"\n')
    (folder / ".env").write_text("OTHER=1\n")
    assert found() == ["None", "False"]
    for name, text in PLACES.items():
        (folder / name).write_text(text)
        assert found() == [URL, "True"], name
        (folder / name).unlink()


def test_this_machine_is_asked_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx

    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "cars.example")
    prepare_environment()
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"]
    for host in ("127.0.0.1", "localhost", "www.autoscout24.it.localhost", "cars.example"):
        assert urllib.request.proxy_bypass(host), host
    assert not urllib.request.proxy_bypass("other.example")
    with httpx.Client() as client:
        direct = client._transport_for_url(httpx.URL("http://127.0.0.1:4200/api"))
        assert direct is client._transport
        assert client._transport_for_url(httpx.URL("http://other.example")) is not direct
    before = os.environ["NO_PROXY"]
    prepare_environment()
    assert os.environ["NO_PROXY"] == before


@pytest.mark.parametrize(
    ("url", "here"),
    [("http://127.0.0.1:1/api", True), ("http://localhost", True), ("http://[::1]:8", True),
     ("http://a.localhost:1", True), (URL, False), ("http://127.0.0.1.example", False)],
)  # fmt: skip
def test_addresses_of_this_machine(url: str, here: bool) -> None:
    assert is_loopback(url) is here


def test_settings_of_prefect_that_cannot_be_used_are_told(folder: Path) -> None:
    script = """
from core.errors import MarqueError
from flows.environment import configured_url
try:
    configured_url()
except MarqueError as error:
    print(error)
"""
    (folder / "prefect.toml").write_text("not = [toml")
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "(Failed to load Prefect settings from prefect.toml: invalid TOML" in done.stdout


def test_an_address_of_no_port_is_no_server_of_ours() -> None:
    assert RunningServer(1, 4200).is_at("http://localhost:4200/api")
    for url in ("http://localhost:4201/api", "http://127.0.0.1:99999/api", "http://a.example:4200"):
        assert not RunningServer(1, 4200).is_at(url)


def test_arrow_allocates_by_the_system_whose_free_memory_can_be_returned() -> None:
    code = "import flows.ingest, pyarrow as pa; print(pa.default_memory_pool().backend_name)"
    kept = {name: text for name, text in os.environ.items() if not name.startswith("ARROW_")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=kept
    )
    assert done.stdout.split() == ["system"]
