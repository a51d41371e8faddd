"""The search flow: the command's search, on demand, with the answer kept as artifacts."""

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_table_artifact

from flows.answering import answer
from flows.report import RunReport
from flows.run import recorded_run
from search.engine import Answer, label_text
from search.sheet import write_sheet


@flow(name="search")
def search(
    text: str | None = None,
    image: str | None = None,
    where: list[str] | None = None,
    k: int = 12,
    sheet: str | None = None,
) -> RunReport:
    """Search the published photos; the report's `answer` is what `marque search --json` prints.

    `image` is a file that the worker can read, or an image id; `sheet` is a PNG file to write.
    """
    given = {"text": text, "image": image, "where": where, "k": k, "sheet": sheet}
    with recorded_run("search", given) as run:
        found = answer(run.settings, run.catalog, text, image, where or [], k)
        run.report.answer = found.to_dict()
        run.report.messages += found.notices
        if sheet is not None:
            write_sheet(found, Path(sheet))
        create_table_artifact(_rows(found), key="search-hits", description=str(found.query))
    return run.report


def _rows(found: Answer) -> list[dict[str, Any]]:
    return [
        {
            "rank": hit.rank,
            "score": hit.score,
            "photo": hit.image_id[:12],
            "labels": label_text(hit.labels),
            "page": hit.page_url or hit.source_id,
            "license": hit.license or "unknown",
        }
        for hit in found.hits
    ]
