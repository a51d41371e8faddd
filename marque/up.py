"""`marque up`: the Prefect server, in the foreground."""

import click

from marque.common import plain_options
from marque.terminal import say


@click.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), default=4200, show_default=True, help="Port."
)
@plain_options
def up(port: int) -> None:
    """Keep a Prefect server up, with its pages and the contact sheets, until Ctrl-C; other commands
    use it."""
    from flows.server.find import run_server
    from flows.settings import load_settings

    run_server(load_settings().home_path, port, say)
