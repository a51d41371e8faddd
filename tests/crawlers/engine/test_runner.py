"""A crawl in its process: the report is there however it ends, and nothing is left running."""

import fcntl
import os
import signal
import subprocess
import sys
import termios
import textwrap
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from crawlers.engine.job import CrawlJob, CrawlReport
from crawlers.engine.runner import CrawlError, run_crawl, store_folder
from crawlers.engine.site import Pace
from crawlers.engine.store import BusyStoreError, CrawlStore
from crawlers.engine.store.lock import locked
from synthetic.replica.server import Replica
from tests.crawlers.crawling import FAST, Asked, autoscout24_job, commons_job, crawl, photos, store
from tests.policy.checks import ROOT

WORLD = {"seed": 1, "listings": 60, "photos": 3, "sites": ("it", "de"), "files": 40}

SITE = "www.autoscout24.it"
PATIENT = Pace(600.0, 1, 600.0, 1, timeout=300.0)
"""After its first page such a crawl waits for a minute, if nobody stops it."""


def kept(job: CrawlJob, crawls: Path) -> CrawlReport:
    """The report of the one crawl in a store."""
    with closing(store(job, crawls)) as found:
        return CrawlReport.from_json(text_of(found))


def text_of(found: CrawlStore) -> str:
    ((text,),) = found._db.execute("SELECT report FROM crawls").fetchall()
    return str(text)


def holder(folder: Path) -> int:
    """The process that crawls into a folder."""
    return int((folder / "lock").read_text())


def wait_until_free(folder: Path) -> None:
    """Until no process crawls into a folder; one that does not end fails the test in the end."""
    for _ in range(10_000):
        try:
            with locked(folder):
                return
        except BusyStoreError:
            time.sleep(0.05)
    pytest.fail(f"process {holder(folder)} goes on")


def test_it_is_told_how_far_it_is_and_hears_nothing_of_scrapys_environment(
    replica: Replica, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRAPY_SETTINGS_MODULE", "no.such.module")
    monkeypatch.setenv("SCRAPY_PROJECT", "nonsense")
    monkeypatch.setenv("SCRAPY_USER_AGENT", "Mozilla/5.0")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")  # some files of Commons have other letters
    monkeypatch.chdir(tmp_path)  # nor does a project's file of settings matter
    (tmp_path / "scrapy.cfg").write_text("[settings]\ndefault = no.such.module\n")
    job, told = commons_job(replica), list[CrawlReport]()
    before = open_files()
    with Asked(replica) as asked:
        report = run_crawl(job, tmp_path, told.append)
    assert report.ended == "finished"
    assert report.complete
    assert not report.failures
    assert told[-1] == report == kept(job, tmp_path)
    assert told[0].requests == 0, "from its beginning on"
    assert {one.user_agent.partition("/")[0] for one in asked.requests} == {"Marque"}
    assert report.requests == len(asked.requests) == sum(report.statuses.values())
    for _ in range(10_000):  # the replica's ends of the connections are ours too
        if open_files() <= before:
            break
        time.sleep(0.05)
    assert open_files() <= before


def open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def test_a_fault_in_the_spider_is_reported(replica: Replica, tmp_path: Path) -> None:
    """An answer that no replica gives in earnest: an internal error of the API, for ever."""
    replica.faults.set("error-in-200")
    try:
        job = commons_job(replica)
        report = crawl(job, tmp_path)
    finally:
        replica.faults.clear()
    assert report.ended == "failed"
    assert "internal_api_error" in report.why
    assert report.failures == [report.why]
    assert report.finished_at
    assert report.goes_on
    assert kept(job, tmp_path) == report
    assert crawl(job, tmp_path).ended == "finished"


def test_so_is_a_fault_of_our_own(replica: Replica, tmp_path: Path) -> None:
    job = commons_job(replica)
    job = replace(job, limit="two")  # type: ignore[arg-type]  # which no command lets pass
    report = crawl(job, tmp_path)
    assert report.ended == "failed"
    assert report.why.startswith("TypeError: ")
    assert kept(job, tmp_path) == report


class EnoughError(Exception):
    """What a caller may be stopped by."""


@pytest.mark.parametrize("error", [EnoughError, KeyboardInterrupt])
def test_it_ends_with_its_caller(
    error: type[BaseException], replica: Replica, tmp_path: Path
) -> None:
    """At once, though its next request is a minute away; and that one is not made."""
    job = autoscout24_job(replica, pace=PATIENT)

    def on_progress(report: CrawlReport) -> None:
        if report.requests >= 2:  # the second waits for the host's delay
            raise error

    with Asked(replica) as asked, pytest.raises(error):
        run_crawl(job, tmp_path, on_progress)
    report = kept(job, tmp_path)
    assert report.finished_at, "it ended by itself, and was not killed"
    assert report.ended == "stopped"
    assert report.goes_on
    assert not report.failures
    assert [one.path for one in asked.requests] == ["/robots.txt"]
    assert report.requests == 1
    with locked(store_folder(tmp_path, job)):
        pass  # nobody holds it
    assert crawl(replace(job, pace=FAST), tmp_path).ended == "finished"


def test_files_of_the_working_folder_are_not_run(
    replica: Replica, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`python -m` would look for modules there first."""
    place = tmp_path / "work"
    (place / "crawlers").mkdir(parents=True)
    (place / "attrs.py").write_text("raise SystemExit('a file of the user was run')")
    monkeypatch.chdir(place)
    job = autoscout24_job(replica, limit=1)
    assert crawl(job, tmp_path).ended == "limit"


def test_a_crawl_that_was_stopped_goes_on(replica: Replica, tmp_path: Path) -> None:
    job = autoscout24_job(replica)
    whole = photos(job, tmp_path / "whole", crawl(job, tmp_path / "whole"))

    def on_progress(report: CrawlReport) -> None:
        if report.photos >= 3:
            raise EnoughError

    with Asked(replica) as first, pytest.raises(EnoughError):
        run_crawl(replace(job, pace=replace(FAST, photo_delay=0.2)), tmp_path, on_progress)
    with Asked(replica) as then:
        report = crawl(job, tmp_path)
    assert report.ended == "finished"
    assert report.known >= 3
    assert report.notices["went on with a crawl that had broken off"] == 1
    assert photos(job, tmp_path, report) == whole
    before = {(one.host, one.path, one.query) for one in first.requests}
    again = before & {(one.host, one.path, one.query) for one in then.requests}
    assert {path for _, path, _ in again} == {"/robots.txt"}, "what came was kept"


def test_a_dry_run_leaves_a_crawl_that_broke_off_alone(replica: Replica, tmp_path: Path) -> None:
    job = autoscout24_job(replica)
    crawl(replace(job, max_requests=9), tmp_path)
    dry = crawl(replace(job, dry_run=True), tmp_path)
    assert dry.estimate
    assert dry.ended == "finished"
    with Asked(replica) as asked:
        report = crawl(job, tmp_path)
    assert report.notices["went on with a crawl that had broken off"] == 1
    assert asked.count(SITE) < 8, "it has what it had"
    assert crawl(job, tmp_path).notices.get("went on with a crawl that had broken off") is None


def test_a_dry_run_that_the_site_ends_has_failed(replica: Replica, tmp_path: Path) -> None:
    replica.faults.set("forbidden-403")
    try:
        report = crawl(autoscout24_job(replica, dry_run=True), tmp_path)
    finally:
        replica.faults.clear()
    assert report.ended == "blocked"
    assert report.failures


def test_two_crawls_of_a_source_at_once_are_one_too_many(replica: Replica, tmp_path: Path) -> None:
    job = autoscout24_job(replica, pace=PATIENT)
    folder = store_folder(tmp_path, job)
    began, enough = threading.Event(), threading.Event()

    def on_progress(report: CrawlReport) -> None:
        began.set()
        if enough.is_set():
            raise EnoughError

    def first() -> None:
        with pytest.raises(EnoughError):
            run_crawl(job, tmp_path, on_progress)

    thread = threading.Thread(target=first)
    thread.start()
    try:
        assert began.wait(500)
        other = holder(folder)
        with pytest.raises(CrawlError, match=f"running \\(process {other}\\); wait until it ends"):
            crawl(autoscout24_job(replica), tmp_path)
        with pytest.raises(BusyStoreError, match=str(other)), locked(folder):
            pass
        # Another source has a store of its own.
        assert crawl(commons_job(replica, limit=1), tmp_path).ended == "limit"
    finally:
        enough.set()
        thread.join()
    assert kept(job, tmp_path).ended == "stopped"


def test_it_ends_when_its_parent_is_killed(replica: Replica, tmp_path: Path) -> None:
    job = autoscout24_job(replica, pace=PATIENT)
    code = """
        import sys
        from pathlib import Path
        from crawlers.engine.job import CrawlJob
        from crawlers.engine.runner import run_crawl
        say = lambda report: print(report.requests, flush=True)
        run_crawl(CrawlJob.from_json(sys.argv[1]), Path(sys.argv[2]), say)
    """
    words = [sys.executable, "-c", textwrap.dedent(code), job.to_json(), str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout
        for line in parent.stdout:
            if int(line) >= 2:  # the second waits for the host's delay
                break
        child = holder(store_folder(tmp_path, job))
        assert child != parent.pid
        parent.kill()
        parent.wait()
        wait_until_free(store_folder(tmp_path, job))
    report = kept(job, tmp_path)
    assert report.ended == "stopped"
    assert report.finished_at
    assert "the process that started it" in report.why
    assert report.requests == 1


def test_it_stops_when_it_is_told_to(replica: Replica, tmp_path: Path) -> None:
    """As a system that shuts down tells every process."""
    job = autoscout24_job(replica, pace=PATIENT)

    def on_progress(report: CrawlReport) -> None:
        if report.requests >= 2 and report.ended == "running":
            os.kill(holder(store_folder(tmp_path, job)), signal.SIGTERM)

    report = run_crawl(job, tmp_path, on_progress)
    assert report.ended == "stopped"
    assert report.why == "it was told to stop"
    assert report.finished_at


def test_a_caller_that_does_not_listen_holds_nothing_up(replica: Replica, tmp_path: Path) -> None:
    """What the crawl says fills its pipe, and it goes on to its end."""
    job = autoscout24_job(replica, pace=replace(FAST, photo_delay=0.2))
    words = [sys.executable, "-m", "crawlers.engine.child", str(store_folder(tmp_path, job))]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as child:
        assert child.stdin
        assert child.stdout
        fcntl.fcntl(child.stdout, fcntl.F_SETPIPE_SZ, 4096)
        child.stdin.write(job.to_json().encode() + b"\n")
        child.stdin.flush()
        for _ in range(10_000):
            time.sleep(0.05)
            if has_ended(job, tmp_path):
                break
        unread = fcntl.ioctl(child.stdout, termios.FIONREAD, b"\0" * 4)
        assert int.from_bytes(unread, sys.byteorder) > 3072, "there is no room for one more"
        child.stdin.close()
        child.stdout.close()
    assert kept(job, tmp_path).ended == "finished"


def has_ended(job: CrawlJob, crawls: Path) -> bool:
    with closing(store(job, crawls)) as found:
        reports = found._db.execute("SELECT report FROM crawls WHERE report NOTNULL").fetchall()
    return any(CrawlReport.from_json(text).finished_at for (text,) in reports)


@pytest.mark.parametrize("what", ["old", "damaged"])
def test_a_store_that_cannot_be_used_says_what_to_do(
    what: str, replica: Replica, tmp_path: Path
) -> None:
    job = commons_job(replica, limit=1)
    with closing(store(job, tmp_path)) as made:
        made._db.execute("PRAGMA user_version = 99")
    folder = store_folder(tmp_path, job)
    if what == "damaged":
        for path in folder.glob("crawls.sqlite*"):
            path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(CrawlError) as refused:
        crawl(job, tmp_path)
    said = str(refused.value)
    assert said.count("\n") == 0
    assert str(folder) in said
    assert "move the folder away, and what is in it is fetched again" in said
    assert ("another version of Marque (99" in said) == (what == "old")
    folder.rename(tmp_path / "away")
    assert crawl(job, tmp_path).ended == "limit"
