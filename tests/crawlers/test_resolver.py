"""Names of hosts lead to the public internet only, whatever a name server says."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PRIVATE = (
    "localhost",  # of this machine's own table of names
    "127.0.0.1", "127.1", "2130706433", "10.1.2.3", "172.16.0.9", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "0.0.0.0",
)  # fmt: skip
PUBLIC = ("93.184.215.14",)
REPLICA = "upload.wikimedia.org.localhost"  # no name server knows it

ASK = """
import json, sys
from twisted.internet import defer, task
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory, Protocol
from crawlers.manners.resolver import PublicResolver

port, private, public, replica = json.loads(sys.argv[1])

@defer.inlineCallbacks
def main(reactor):
    resolver = PublicResolver(reactor, cache_size=100, timeout=10.0)
    resolver.install_on_reactor()
    found = {}
    for name in [*private, *public, *private]:  # what is remembered is judged too
        try:
            found[name] = yield resolver.getHostByName(name)
        except Exception as error:
            found[name] = str(error)
    reached = []
    for name in [*private, replica]:  # as a request does it
        endpoint = HostnameEndpoint(reactor, name, port, timeout=5)
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
    with socket.create_server(("127.0.0.1", 0)) as server:
        asked = json.dumps([server.getsockname()[1], PRIVATE, PUBLIC, REPLICA])
        child = subprocess.run(
            [sys.executable, "-c", ASK, asked],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
        assert child.returncode == 0, child.stderr
        yield Answers(*json.loads(child.stdout))


@pytest.mark.parametrize("name", PRIVATE)
def test_names_that_lead_to_this_machine_or_its_network_are_refused(
    answers: Answers, name: str
) -> None:
    assert "not public" in answers.found[name]


def test_public_addresses_pass(answers: Answers) -> None:
    assert [answers.found[name] for name in PUBLIC] == list(PUBLIC)


def test_no_connection_is_made_but_to_a_replica(answers: Answers) -> None:
    assert answers.reached == [REPLICA]
