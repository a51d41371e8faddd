"""Contact sheets: an answer as one PNG, readable at a glance."""

import io
from dataclasses import asdict
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from search.engine import Answer, Hit, credit, label_text
from search.query import QueryError

COLUMNS = 4
CELL = 256
CAPTION = 76
MARGIN = 12
HEADER = 44
MOST = 200  # photos on one sheet: more make a picture of gigabytes that nobody looks through
LONGEST = 200  # letters of a line that are measured: a credit can be a page long

_INK, _FAINT, _PAPER, _MAT = "#1c1e21", "#6b7178", "#ffffff", "#eef0f2"


def draw_sheet(answer: Answer, columns: int = COLUMNS) -> Image.Image:
    """The hits of an answer in rows of `columns`, each with rank, score, labels and credit.

    Only the first `MOST` are drawn, and the title says so.
    """
    hits = answer.hits[:MOST]
    columns = max(1, min(columns, len(hits)))
    rows = -(-len(hits) // columns)
    width = max(MARGIN + columns * (CELL + MARGIN), 2 * CELL)
    height = HEADER + MARGIN + rows * (CELL + CAPTION + MARGIN)
    sheet = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    _write(pen, (MARGIN, MARGIN), _title(answer), width - 2 * MARGIN, 20, _INK)
    for at, hit in enumerate(hits):
        x = MARGIN + at % columns * (CELL + MARGIN)
        y = HEADER + MARGIN + at // columns * (CELL + CAPTION + MARGIN)
        _draw_hit(sheet, pen, hit, x, y)
    return sheet


def _title(answer: Answer) -> str:
    if not answer.hits:
        return f"no photo found: {answer.query}"
    if len(answer.hits) > MOST:
        return f"first {MOST} of {len(answer.hits):,}: {answer.query}"
    return str(answer.query)


def write_sheet(answer: Answer, path: Path) -> Path:
    """Write the contact sheet of an answer as PNG, whole or not at all; returns its path."""
    if path.suffix.lower() != ".png":
        raise QueryError(f"a contact sheet is a PNG: {str(path)!r} does not end in .png")
    out = io.BytesIO()
    draw_sheet(answer).save(out, "PNG", optimize=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.part")
    try:
        aside.write_bytes(out.getvalue())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return path


def _draw_hit(sheet: Image.Image, pen: ImageDraw.ImageDraw, hit: Hit, x: int, y: int) -> None:
    pen.rectangle((x, y, x + CELL - 1, y + CELL - 1), fill=_MAT)
    if hit.thumbnail:
        with Image.open(io.BytesIO(hit.thumbnail)) as small:
            scale = CELL / max(small.size)
            size = (round(small.width * scale), round(small.height * scale))
            photo = small.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        sheet.paste(photo, (x + (CELL - photo.width) // 2, y + (CELL - photo.height) // 2))
    score = "" if hit.score is None else f"  {hit.score:.3f} {'+'.join(hit.found_by)}"
    _write(pen, (x, y + CELL + 3), f"{hit.rank}.{score}", CELL, 14, _INK)
    _write(pen, (x, y + CELL + 21), label_text(hit.labels) or "no labels", CELL, 13, _INK, lines=2)
    _write(pen, (x, y + CELL + 57), credit(asdict(hit)), CELL, 11, _FAINT)


def _write(
    pen: ImageDraw.ImageDraw,
    at: tuple[int, int],
    text: str,
    width: int,
    size: int,
    ink: str,
    *,
    lines: int = 1,
) -> None:
    """Text in at most `lines` lines of `width` pixels, cut with an ellipsis where it is longer."""
    font = ImageFont.load_default(size)
    words = " ".join(text.split())[:LONGEST].split(" ")
    for line in range(lines):
        taken = len(words)
        while taken > 1 and pen.textlength(" ".join(words[:taken]), font=font) > width:
            taken -= 1
        last = line == lines - 1
        shown = " ".join(words if last else words[:taken])
        while shown and pen.textlength(shown, font=font) > width:
            shown = shown.removesuffix("…")[:-1] + "…" if len(shown) > 1 else ""
        pen.text((at[0], at[1] + line * (size + 4)), shown, font=font, fill=ink)
        words = words[taken:]
        if not words:
            return
