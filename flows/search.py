"""The search flow: the command's search, on demand, with the answer kept as artifacts."""

from pathlib import Path

from core.text import counted
from embeddings.registry import SPACE
from flows.answer import answer
from flows.prefect_context import in_prefect_run
from flows.recipe import recipe
from flows.reporting.markdown import link, markdown_table, plain
from flows.reporting.report import RunReport
from flows.reporting.sheets import KeptSheet, show_sheet
from flows.run import recorded_run
from search.engine import Answer
from search.sheet import MOST_ON_SHEET, check_sheet_path, sheet_png, store_sheet
from search.sheet_content import answer_sheet
from search.wording import credit_text, found_text, labels_text


@recipe("search")
def search(
    text: str | None = None,
    image: str | None = None,
    where: list[str] | None = None,
    k: int = 12,
    sheet: str | None = None,
    space: str = SPACE,
) -> RunReport:
    """Search the published photos; the report's `answer` is what `marque search --json` prints.

    `image` is a file that the worker can read, or an image id; `sheet` is a PNG file to write
    besides the one that is kept in the home folder. `space` names the vectors to compare.
    """
    given = {"text": text, "image": image, "where": where, "k": k, "sheet": sheet}
    given["space"] = space
    with recorded_run("search", given) as run:
        if sheet is not None:
            check_sheet_path(Path(sheet))
        found = answer(run.settings, run.catalog, text, image, where or [], k, space=space)
        run.report.answer = found.to_dict()
        run.report.messages += found.notices
        png = sheet_png(answer_sheet(run.catalog, found))
        if sheet is not None:
            store_sheet(png, Path(sheet))
        kept = show_sheet(run, png, f"{found.query}: {counted(len(found.hits), 'photo')}")
        if in_prefect_run():
            from prefect.artifacts import create_markdown_artifact

            create_markdown_artifact(_hits(found, kept), key="search-hits")
    return run.report


def _hits(found: Answer, kept: KeptSheet | None) -> str:
    """The answer as a page: its sheet, or where it lies, and a row for each photo."""
    lines = [f"# {plain(found.query)}", ""]
    if kept is not None and kept.page_link is not None:
        lines += [f"![Contact sheet]({kept.page_link})", ""]
    elif kept is not None:
        lines += [f"Contact sheet: the file {plain(kept.path)} on the machine of the run", ""]
    lines += [f"> {plain(notice)}" for notice in found.notices]
    if not found.hits:
        return "\n".join([*lines, "", "No photo was found."])
    if len(found.hits) > MOST_ON_SHEET:
        lines.append(
            f"The first {MOST_ON_SHEET} of {len(found.hits):,} photos; the run has all in `runs`."
        )
    rows = [
        {
            "rank": hit.rank,
            "photo, to its page": link(hit.image_id[:12], hit.page_url),
            "found": found_text(hit, found.query),
            "labels": labels_text(hit.labels) or "no labels",
            "credit": credit_text(hit, 200),
        }
        for hit in found.hits[:MOST_ON_SHEET]
    ]
    return "\n".join([*lines, "", *markdown_table(rows)])
