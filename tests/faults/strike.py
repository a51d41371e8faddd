"""Run the command line, keep a journal of its writes, and end it with SIGKILL at one of them.

    python strike.py JOURNAL STRIKE WORD...

Every call that changes a LanceDB table, tag or index is a write; JOURNAL gets a line of JSON of
each, with the stage it was made in. STRIKE is JSON: `{}` strikes never; `nth` is the number of the
write to strike at, among those of one `call`, `table` and `stage` where these are given, and `when`
says whether that is before the write or after it; `seconds` strikes that long after the first
write of a stage. The last line of the journal says where it struck. With `hold`, the path of a
file, it does not strike at that write but waits there until the file is there.
"""

import functools
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

STAGES = {
    "register": ("register_all", "register_shard"),
    "label": ("label_pending", "label_shard"),
    "embed": ("embed_pending", "embed_shard"),
    "networks": ("ask_networks", "ask_shard"),
    "pictures": ("look_at_pictures", "look_shard"),
    "publish": ("publish_pending", "refresh_shard"),
    "report": ("store_report",),
}
WORK = STAGES.keys() - {"report"}
FUNCTIONS = {name: stage for stage, names in STAGES.items() for name in names}
"""The product's functions by the stage they belong to: a shard may be done in a thread."""


class Journal:
    """What was written so far, and when to strike."""

    def __init__(self, path: Path, strike: dict[str, Any]) -> None:
        self.path = path
        self.strike = strike
        self.matching = 0
        self.began = False
        self.lock = threading.Lock()
        self.thread = threading.get_ident()

    def wrap(self, owner: type, name: str) -> None:
        """Count the calls of a method that writes."""
        inner = getattr(owner, name)

        @functools.wraps(inner)
        def wrapped(itself: Any, *given: Any, **named: Any) -> Any:
            line = {"call": name, "table": table_of(itself, given), "stage": stage(sys._getframe())}
            due = self.note(line)
            if due == "before":
                self.act(line)
            result = inner(itself, *given, **named)
            if due == "after":
                self.act(line)
            return result

        setattr(owner, name, wrapped)

    def note(self, line: dict[str, str]) -> str | None:
        """Write a line; says when to strike if this is the write to strike at."""
        with self.lock:
            self.write(line)
            if "seconds" in self.strike and not self.began and line["stage"] in WORK:
                self.began = True
                threading.Thread(target=self.wait, daemon=True).start()
            asked = self.strike.keys() & line.keys()
            if "nth" not in self.strike or any(self.strike[key] != line[key] for key in asked):
                return None
            self.matching += 1
            return str(self.strike["when"]) if self.matching == self.strike["nth"] else None

    def act(self, line: dict[str, str]) -> None:
        if "hold" not in self.strike:
            self.kill(line | {"struck": self.strike["when"]})
        self.write(line | {"held": self.strike["when"]})
        while not Path(self.strike["hold"]).exists():
            time.sleep(0.05)

    def wait(self) -> None:
        time.sleep(self.strike["seconds"])
        with self.lock:
            self.kill({"struck": "moment", "stage": stage(sys._current_frames()[self.thread])})

    def kill(self, line: dict[str, str]) -> None:
        self.write(line)
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)  # the signal ends this thread before it comes so far

    def write(self, line: dict[str, str]) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())


def stage(frame: FrameType | None) -> str:
    """The stage of the run that a frame is in."""
    while frame is not None:
        if found := FUNCTIONS.get(frame.f_code.co_name):
            return found
        frame = frame.f_back
    return ""


def table_of(itself: Any, given: tuple[Any, ...]) -> str:
    """The table that a method of LanceDB writes to."""
    inside = getattr(itself, "_table", itself)
    if name := getattr(inside, "name", None):
        return str(name)
    stored = (
        itself if type(itself).__name__ == "LanceDataset" else getattr(itself, "_dataset", None)
    )
    if uri := getattr(stored, "uri", None):
        return Path(uri).stem
    return str(given[0]) if given and isinstance(given[0], str) else ""


def wrap_commits(journal: Journal) -> None:
    """The commits of Lance itself, which take the dataset that they change as an argument."""
    from lance import LanceDataset

    class Commit:
        def __init__(self, stored: Any) -> None:
            self.uri = stored.uri
            self._dataset = stored

        def commit(self, *given: Any, **named: Any) -> Any:
            return inner(self._dataset, *given, **named)

    inner = LanceDataset.commit
    journal.wrap(Commit, "commit")
    LanceDataset.commit = staticmethod(  # type: ignore[method-assign, assignment]
        lambda stored, *given, **named: Commit(stored).commit(*given, **named)
    )


def main(journal: Journal, run: Callable[[], None]) -> None:
    """Wrap every writer of LanceDB and run."""
    from lance.dataset import DatasetOptimizer, LanceDataset
    from lancedb.db import LanceDBConnection
    from lancedb.table import LanceTable, Tags

    for name in ("create_table", "drop_table"):
        journal.wrap(LanceDBConnection, name)
    for name in ("add", "delete", "update", "add_columns", "drop_columns", "create_index"):
        journal.wrap(LanceTable, name)
    for name in ("create", "update"):
        journal.wrap(Tags, name)
    for name in ("optimize_indices", "compact_files"):
        journal.wrap(DatasetOptimizer, name)
    journal.wrap(LanceDataset, "create_scalar_index")
    journal.wrap(LanceDataset, "cleanup_old_versions")
    wrap_commits(journal)
    run()


if __name__ == "__main__":
    path, given, *words = sys.argv[1:]
    sys.argv = ["marque", *words]
    from marque.__main__ import main as marque

    main(Journal(Path(path), json.loads(given)), marque)
