"""`marque`: the commands, and how their errors reach a person."""

import sys

import click

from marque.attributions import attributions
from marque.crawl import crawl
from marque.demo import demo
from marque.doctor import doctor
from marque.embed import embed
from marque.ingest import ingest
from marque.label import label
from marque.models import models
from marque.publish import publish
from marque.replica import replica
from marque.reset import reset
from marque.review import review
from marque.search import search
from marque.segment import segment
from marque.show import show
from marque.status import status
from marque.terminal import Commands, show_traceback
from marque.train import train
from marque.up import up
from marque.withdraw import withdraw


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="marque")
def commands() -> None:
    """Turn car photos into a catalog that is searched by text and by picture.

    Settings are read from MARQUE_* in the environment and from marque.toml in the working folder.
    """


for _command in (
    *(attributions, crawl, demo, doctor, embed, ingest, label, models),
    *(publish, replica, reset, review, search, segment, show, status, train, up, withdraw),
):
    commands.add_command(_command)


def main() -> None:
    """Run the command line; exit status 0 done, 1 the work failed, 2 wrong usage."""
    sys.excepthook = show_traceback
    commands(prog_name="marque")


if __name__ == "__main__":
    main()
