"""`marque demo`: the whole line on rendered scenes, with no download and no account."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marque.common import GIVEN_HOME, plain_options, use_home

if TYPE_CHECKING:
    from flows.report import RunReport

SCENES = 1500
SEED = 8001  # two of its scenes are what the first question asks for
QUERY_SEED = 990_001  # beyond the seeds that are ingested: the picture is not in the catalogue

NEXT = """
Next, with your own photos:
  marque ingest folder PATH                      take in a folder (try --limit 100 first)
  marque search "a red convertible" --sheet answer.png
  marque status                                  what is there, and what waits
The demo used marque-tiny, which knows rendered scenes only. For real photos leave
MARQUE_SEMANTIC_MODEL unset: the default model, {model}, is fetched on first use;
without internet, name a weights file with --weights FILE.
The demo's catalogue is in {home}; add --home {home} to any command to look around in it.
"""


@click.command()
@click.option(
    "--scenes",
    type=click.IntRange(min=50),
    default=SCENES,
    show_default=True,
    help="How many scenes to render.",
)
@plain_options
def demo(scenes: int) -> None:
    """Render car scenes, ingest them, and ask three questions.

    All of it is kept in a folder of its own, .demo in the working folder if --home names no other:
    a catalogue of real photos is never touched.
    """
    home = (click.get_current_context().meta.get(GIVEN_HOME) or Path(".demo")).resolve()
    use_home(home)
    os.environ["MARQUE_SEMANTIC_MODEL"] = "marque-tiny"
    for name in ("MARQUE_SEMANTIC_WEIGHTS", "MARQUE_VOCABULARY"):
        os.environ.pop(name, None)
    from crawlers.scenes.write import write_scenes
    from embeddings.registry import DEFAULT_MODEL
    from flows.server import prefect_server
    from marque.bars import progress_bars
    from marque.tables import print_answer, print_report

    click.echo(f"Rendering {scenes} car scenes into {home / 'scenes'} ...")
    write_scenes(home / "scenes", scenes, SEED)
    write_scenes(home / "query", 1, QUERY_SEED)
    query = next((home / "query").glob("*.jpg"))
    with prefect_server(home):
        from flows.ingest import ingest
        from flows.search import search

        click.echo("Ingesting them with the flow `ingest` ...")
        with progress_bars():
            report = ingest(source="scenes", path=str(home / "scenes"))
        print_report(report)
        questions: dict[str, dict[str, Any]] = {
            "text": {"text": "a red convertible by the sea"},
            "picture": {"image": str(query)},
            "picture-and-text": {
                "image": str(query),
                "text": "in the mountains",
                "where": ["body_type=suv"],
            },
        }
        for number, (name, question) in enumerate(questions.items(), start=1):
            sheet = home / "sheets" / f"{number}-{name}.png"
            asked: RunReport = search(**question, k=12, sheet=str(sheet))
            print_answer(asked.answer or {})
            click.echo(f"Contact sheet: {sheet}")
    click.echo(NEXT.format(model=DEFAULT_MODEL, home=home))
