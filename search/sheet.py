"""Contact sheets: an answer as one PNG, readable at a glance."""

import io
from dataclasses import asdict
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from search.engine import Answer, Hit, credit, label_text

COLUMNS = 4
CELL = 256
CAPTION = 58
MARGIN = 12
HEADER = 44

_INK, _FAINT, _PAPER, _MAT = "#1c1e21", "#6b7178", "#ffffff", "#eef0f2"


def draw_sheet(answer: Answer, columns: int = COLUMNS) -> Image.Image:
    """The hits of an answer in rows of `columns`, each with rank, score, labels and credit."""
    columns = max(1, min(columns, len(answer.hits)))
    rows = -(-len(answer.hits) // columns)
    width = max(MARGIN + columns * (CELL + MARGIN), 2 * CELL)
    height = HEADER + MARGIN + rows * (CELL + CAPTION + MARGIN)
    sheet = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    title = str(answer.query) if answer.hits else f"{answer.query}: no photo found"
    _write(pen, (MARGIN, MARGIN), title, width - 2 * MARGIN, 20, _INK)
    for at, hit in enumerate(answer.hits):
        x = MARGIN + at % columns * (CELL + MARGIN)
        y = HEADER + MARGIN + at // columns * (CELL + CAPTION + MARGIN)
        _draw_hit(sheet, pen, hit, x, y)
    return sheet


def write_sheet(answer: Answer, path: Path) -> Path:
    """Write the contact sheet of an answer as PNG, whole or not at all; returns its path."""
    out = io.BytesIO()
    draw_sheet(answer).save(out, "PNG", optimize=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.part")
    aside.write_bytes(out.getvalue())
    aside.replace(path)
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
    _write(pen, (x, y + CELL + 21), label_text(hit.labels) or "no labels", CELL, 13, _INK)
    _write(pen, (x, y + CELL + 39), credit(asdict(hit)), CELL, 11, _FAINT)


def _write(
    pen: ImageDraw.ImageDraw, at: tuple[int, int], text: str, width: int, size: int, ink: str
) -> None:
    """One line of text, cut with an ellipsis where it would pass `width` pixels."""
    font = ImageFont.load_default(size)
    line = " ".join(text.split())
    if pen.textlength(line, font=font) > width:
        while line and pen.textlength(line + "…", font=font) > width:
            line = line[:-1]
        line += "…"
    pen.text(at, line, font=font, fill=ink)
