"""`marque replica`: stand-ins of the sites on this machine, in the foreground."""

from typing import TYPE_CHECKING

import click

from marque.common import plain_options
from marque.terminal import say

if TYPE_CHECKING:
    from synthetic.replica.server import Replica

_UP = """\
The replica is up: {listings:,} cars and {files:,} files of Wikimedia Commons, at
  {cars}
  {commons}
If your program cannot resolve these names, point them at 127.0.0.1 (browsers and curl do).
Crawl it with
  marque crawl autoscout24 --site {site} --make fiat --replica {url}
  marque crawl commons --category "Ford Mustang" --replica {url}
Ctrl-C stops it."""


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8421, show_default=True,
    help="Port; 0 takes any that is free.",
)  # fmt: skip
@click.option(
    "--listings", type=click.IntRange(1), default=400, show_default=True, help="Cars on offer."
)
@click.option(
    "--photos", type=click.IntRange(0, 50), default=8, show_default=True, help="Photos of a car."
)
@click.option(
    "--files", type=click.IntRange(1), default=400, show_default=True, help="Files on Commons."
)
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    help="Seed: the same one gives the same replica.",
)
@click.option(
    "--site", "sites", multiple=True, metavar="SITE",
    help="Country where the cars stand, such as it (else in all). Repeatable.",
)  # fmt: skip
@click.option(
    "--fault", "faults", multiple=True, metavar="NAME[=VALUE][,every=N][,first=N][,after=N]",
    help="Something that goes wrong from the start. Repeatable.",
)  # fmt: skip
@click.option("--list-faults", is_flag=True, help="Say what can go wrong, and no more.")
@plain_options
def replica(
    port: int,
    listings: int,
    photos: int,
    files: int,
    seed: int,
    sites: tuple[str, ...],
    faults: tuple[str, ...],
    list_faults: bool,
) -> None:
    """Keep a replica of AutoScout24 and Wikimedia Commons up until Ctrl-C, to try crawls on.

    Its photos are rendered, its sellers invented, and no site is asked for anything.
    """
    from synthetic.replica.faults import known_faults
    from synthetic.replica.server import serve_replica
    from synthetic.replica.world import World

    if list_faults:
        for name, does in known_faults().items():
            say(f"{name}: {does}")
        return
    world = World(seed, listings, photos, files=files, sites=sites)
    for fault in faults:
        world.faults.set_text(fault)
    serve_replica(world, port, _say)


def _say(running: "Replica") -> None:
    world = running.world
    site = "it" if "it" in world.sites else world.sites[0]
    said = _UP.format(
        listings=len(world),
        files=world.files,
        cars=f"{world.web.base(f'www.autoscout24.{site}')}/",
        commons=f"{world.web.base('commons.wikimedia.org')}/",
        url=running.url,
        site=site,
    )
    say(*said.splitlines())
