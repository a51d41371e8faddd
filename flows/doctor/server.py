"""The Prefect server: the configured one, that of the home folder, or none; and who uses it."""

import os
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Any

from flows.doctor.check import Check, LateError, begin
from flows.server_process import Running, load_running
from flows.settings import Settings

SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class User:
    """A process that uses the server; `since` is when the process began."""

    pid: int
    command: str
    since: datetime

    @property
    def keeps_up(self) -> bool:
        """Whether it is `marque up`, which runs no flow itself."""
        return "up" in self.command.split()[1:4] and "marque" in self.command


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What is known of the server; `users` is None where the system does not tell them."""

    configured: str | None
    own: Running | None
    in_use: bool
    users: list[User] | None


def load_server_facts(settings: Settings) -> ServerFacts:
    """Look at Prefect's settings and at the locks of the home folder."""
    from prefect.settings import get_current_settings

    folder = settings.home_path / "prefect"
    lock = folder / "users.lock"
    return ServerFacts(
        get_current_settings().api.url, load_running(folder), is_in_use(folder), lock_users(lock)
    )


def check_server(settings: Settings, facts: ServerFacts) -> list[Check]:
    """Whether there is a server to work with, or there will be one."""
    if facts.configured is not None:
        return [_configured(facts.configured)]
    if (own := facts.own) is None:
        found = "none runs; a command that needs one starts it, which takes about ten seconds"
        return [Check("prefect", "ok", found, facts={"url": None})]
    users = [f"{user.command} (process {user.pid})" for user in facts.users or []]
    said = {"url": own.url, "pid": own.pid, "in_use": facts.in_use, "users": users}
    found = f"the server of this home is at {own.url} (process {own.pid})"
    error = _ask(own.url)
    if error is None and facts.in_use:
        who = ", ".join(users) or "a command of this home"
        return [Check("prefect", "ok", f"{found}, used by {who}", facts=said)]
    if error is None:
        found += ", and nobody uses it: a command that was killed left it behind"
        advice = f"the next command uses it and then stops it; or end process {own.pid}"
        return [Check("prefect", "warning", found, advice, said)]
    found += f", and does not answer: {error}"
    if facts.in_use:
        advice = "it may be starting; look again in a minute"
        return [Check("prefect", "warning", found, advice, said)]
    log = settings.home_path / "prefect" / "server.log"
    advice = f"end process {own.pid}; {log} may say why"
    return [Check("prefect", "problem", found, advice, said)]


def is_in_use(folder: Path) -> bool:
    """Whether a command uses the server of `folder`, or is just starting or stopping it.

    Nobody may join or leave meanwhile: the last to leave could not stop the server while the lock
    of the users is tried here.
    """
    try:
        with (folder / "gate.lock").open("r+") as gate, (folder / "users.lock").open("r+") as users:
            for file in (gate, users):
                flock(file, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # no command ever ran here, or none can as the folder is not ours
    return False


def lock_users(lock: Path) -> list[User] | None:
    """The processes that hold a lock on a file, as Linux tells them; None elsewhere."""
    try:
        held, inode = Path("/proc/locks").read_text(encoding="ascii"), lock.stat().st_ino
    except FileNotFoundError:
        return [] if Path("/proc/locks").exists() else None
    except OSError:
        return None
    users = []
    for line in held.splitlines():
        fields = line.split()
        if fields[1] == "FLOCK" and int(fields[5].rpartition(":")[2]) == inode:
            users += _user(int(fields[4]), lock)
    return users


def _user(pid: int, lock: Path) -> list[User]:
    """The process, if it has that very file open: other disks have files of the same number."""
    process = Path(f"/proc/{pid}")
    try:
        if not any(os.path.realpath(each) == str(lock) for each in (process / "fd").iterdir()):
            return []
        words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        words = [word for word in words if word]
        name = Path(words[1]).name if len(words) > 1 and "python" in words[0] else words[0]
        command = " ".join([name, *words[2:]])
        return [User(pid, command[:120], _began(process))]
    except (OSError, IndexError):
        return []  # it has ended meanwhile


def _began(process: Path) -> datetime:
    """When a process began: field 22 of its stat, in ticks since the machine did; proc(5)."""
    ticks = int((process / "stat").read_text().rpartition(")")[2].split()[19])
    system = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    booted = next(int(line.split()[1]) for line in system if line.startswith("btime"))
    return datetime.fromtimestamp(booted + ticks / os.sysconf("SC_CLK_TCK"), UTC)


def _configured(url: str) -> Check:
    facts: dict[str, Any] = {"url": url, "configured": True}

    def ask() -> Exception | None:
        from prefect.client.orchestration import get_client

        with get_client(sync_client=True) as client:  # with its keys and certificates
            return client.api_healthcheck()

    try:
        error = begin(ask)(3 * SECONDS)  # its client takes seconds to import
    except LateError as late:
        error = late
    if error is None:
        return Check("prefect", "ok", f"configured to use {url}, which answers", facts=facts)
    found = f"configured to use {url}, which does not answer: {error}"
    advice = (
        "start that server, or unset PREFECT_API_URL (in a profile: `prefect config unset "
        "PREFECT_API_URL`) and Marque starts one of its own"
    )
    return Check("prefect", "problem", found, advice, facts)


def _ask(url: str) -> str | None:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=SECONDS):  # noqa: S310 - http
            return None
    except OSError as error:
        return str(error)
