"""Names of hosts lead to the public internet only, whatever a name server says."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from crawlers.engine.politeness.resolver import is_public

PRIVATE = (
    "localhost",  # of this machine's own table of names
    "127.0.0.1", "127.1", "2130706433", "10.1.2.3", "172.16.0.9", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "0.0.0.0",
    "0x7f.1", "0177.0.0.1", "017700000001",  # 127.0.0.1, as the C library reads numbers
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.0.0.9", "192.88.99.1",
)  # fmt: skip
NO_HOST = ("localhost.", "::1", "fe80::1%lo", "::ffff:127.0.0.1")  # refused in other words
PUBLIC = ("93.184.215.14",)
REPLICA = "upload.wikimedia.org.localhost"  # no name server knows it

ASK = """
import json, sys
from twisted.internet import defer, task
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory, Protocol
from crawlers.engine.politeness.resolver import PublicResolver

port, private, public, others = json.loads(sys.argv[1])

@defer.inlineCallbacks
def main(reactor):
    resolver = PublicResolver(reactor, cache_size=100, timeout=300.0)
    resolver.install_on_reactor()
    found = {}
    for name in [*private, *public, *private]:  # what is remembered is judged too
        try:
            found[name] = yield resolver.getHostByName(name)
        except Exception as error:
            found[name] = str(error)
    reached = []
    for name in [*private, *others]:  # as a request does it
        endpoint = HostnameEndpoint(reactor, name, port, timeout=300)
        try:
            connection = yield endpoint.connect(Factory.forProtocol(Protocol))
        except Exception:
            continue
        reached.append(name)
        connection.transport.loseConnection()
    print(json.dumps([found, reached]))

task.react(main)
"""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a process with a reactor found: name -> address, or why none, and the names by which it
    came to a server on this machine."""

    found: dict[str, str]
    reached: list[str]


@pytest.fixture(scope="module")
def answers() -> Iterator[Answers]:
    with _open_server() as server:
        asked = json.dumps([server.getsockname()[1], PRIVATE, PUBLIC, [*NO_HOST, REPLICA]])
        child = subprocess.run(
            [sys.executable, "-c", ASK, asked],
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            check=False,
        )
        assert child.returncode == 0, child.stderr
        yield Answers(*json.loads(child.stdout))


def _open_server() -> socket.socket:
    """On every address of this machine."""
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("", 0))


@pytest.mark.parametrize("name", PRIVATE)
def test_names_that_lead_to_this_machine_or_its_network_are_refused(
    answers: Answers, name: str
) -> None:
    assert "not public" in answers.found[name]


def test_public_addresses_pass(answers: Answers) -> None:
    assert [answers.found[name] for name in PUBLIC] == list(PUBLIC)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "169.254.1.1", "224.0.0.0", "239.255.255.255", "198.18.0.1", "192.0.0.1",
        "192.0.0.9", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.175.48.1", "203.0.113.9",
        "::", "::1", "::1%1", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "ff0e::1",
        "::ffff:10.0.0.1", "::ffff:93.184.215.14", "::10.0.0.1", "64:ff9b::10.0.0.1",
        "64:ff9b::93.184.215.14", "64:ff9b:1::1", "2002:a00:1::1", "2001:0:a00:1::1", "2001:db8::1",
        "3fff::1", "5f00::1", "100::1", "localhost", "", "127.1", "93.184.215.14:80", "[::1]",
    ],
)  # fmt: skip
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "223.255.255.255", "1.1.1.1", "2606:2800:21f:cb07::1", "2a00::1"]
)
def test_addresses_of_hosts_are_public(address: str) -> None:
    assert is_public(address)


def test_no_connection_is_made_but_to_a_replica(answers: Answers) -> None:
    assert answers.reached == [REPLICA]
