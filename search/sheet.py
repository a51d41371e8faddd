"""Contact sheets: photos with their labels and credits, as one PNG that is readable at a glance."""

import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from core.files import atomic_write
from search.lettering import drawable, line_height, text_width, wrap, write
from search.query import QueryError

SHEET_COLUMNS = 4
CELL = 256
GAP = 16
MOST_ON_SHEET = 200  # photos: more make a picture of gigabytes
ASKED = 128

_INK, _FAINT, _PAPER, _MAT = "#1c1e21", "#5f666d", "#ffffff", "#eef0f2"
_NETWORK, _BADGE, _WARNING, _WARNED = "#1d4f91", "#1c1e21", "#fff1cc", "#6b4a00"


@dataclass(frozen=True, slots=True)
class Line:
    """A text, its size and color, and how many lines it may take."""

    text: str
    size: int = 13
    ink: str = _INK
    lines: int = 1


@dataclass(frozen=True, slots=True)
class Cell:
    """One photo: its rank, a JPEG no larger than `CELL`, and the texts below it."""

    rank: int
    thumbnail: bytes | None
    labels: str
    network: str
    found: str
    who: str
    rights: str

    def lines(self) -> list[Line]:
        """The lines below the photo, the most important first."""
        said = self.labels or ("" if self.network else "no labels")
        lines = [Line(said, 14, lines=3), Line(self.network, 12, _NETWORK, 3)]
        lines += [Line(self.found, 12, _INK, 2), Line(self.who, 11, _FAINT, 8)]
        lines.append(Line(self.rights, 11, _FAINT, 3))  # apart: a long name never hides the license
        return [line for line in lines if line.text]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The content of a contact sheet: a title with lines below it, the picture of the question,
    warnings, photos, and the source of the answer at the foot."""

    title: str
    cells: tuple[Cell, ...]
    under: tuple[str, ...] = ()
    asked: bytes | None = None
    warnings: tuple[str, ...] = ()
    foot: tuple[str, ...] = ()


def draw_sheet(sheet: Sheet, columns: int = SHEET_COLUMNS) -> Image.Image:
    """The photos in rows of `columns` below the question; at most `MOST_ON_SHEET` of them."""
    cells = sheet.cells[:MOST_ON_SHEET]
    columns = max(1, min(columns, len(cells)))
    width = max(GAP + columns * (CELL + GAP), 3 * CELL)
    head = _Block(width - 2 * GAP - (ASKED + GAP if sheet.asked else 0))
    head.add(Line(sheet.title, 22, lines=3))
    head.add(*(Line(text, 14, _FAINT, 3) for text in sheet.under))
    warned, foot = _Block(width - 4 * GAP), _Block(width - 2 * GAP)
    warned.add(*(Line(text, 13, _WARNED, 4) for text in sheet.warnings))
    foot.add(*(Line(text, 11, _FAINT, 3) for text in _foot(sheet)))
    rows = [_Row(cells[at : at + columns]) for at in range(0, len(cells), columns)]

    head_height = max(head.height, ASKED if sheet.asked else 0)
    warned_height = warned.height + 2 * GAP if sheet.warnings else 0
    height = GAP + head_height + GAP + warned_height + sum(row.height + GAP for row in rows)
    picture = Image.new("RGB", (width, height + foot.height + GAP), _PAPER)
    pen = ImageDraw.Draw(picture)
    if sheet.asked:
        _paste(picture, pen, sheet.asked, (GAP, GAP), ASKED)
    head.draw(pen, width - GAP - head.width, GAP)
    y = GAP + head_height + GAP
    if sheet.warnings:
        pen.rectangle((GAP, y, width - GAP - 1, y + warned.height + GAP - 1), fill=_WARNING)
        warned.draw(pen, 2 * GAP, y + GAP // 2)
        y += warned_height
    for row in rows:
        row.draw(picture, pen, y)
        y += row.height + GAP
    foot.draw(pen, GAP, y)
    return picture


def sheet_png(sheet: Sheet) -> bytes:
    """The sheet as a PNG file."""
    out = io.BytesIO()
    draw_sheet(sheet).save(out, "PNG")
    return out.getvalue()


def check_sheet_path(path: Path) -> None:
    """Raise `QueryError` if the file's name does not end in .png."""
    if path.suffix.lower() != ".png":
        raise QueryError(f"a contact sheet is a PNG: {str(path)!r} does not end in .png")


def store_sheet(png: bytes, path: Path) -> Path:
    """Write a sheet and return its path; the write is atomic. Raises `QueryError`, `OSError`."""
    check_sheet_path(path)
    atomic_write(path, png)
    return path


def _foot(sheet: Sheet) -> list[str]:
    lines = list(sheet.foot)
    if len(sheet.cells) > MOST_ON_SHEET:
        lines.insert(0, f"The first {MOST_ON_SHEET} of {len(sheet.cells):,} are shown.")
    texts = [sheet.title, *sheet.under, *(line.text for c in sheet.cells for line in c.lines())]
    if any(" letter" in (shown := drawable(text)) and shown != text for text in texts):
        lines.append("In brackets: letters that no font here has; the catalog has them whole.")
    return lines


class _Block:
    """Lines of text below each other, wrapped to `width` pixels."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._lines: list[tuple[str, Line]] = []

    def add(self, *lines: Line) -> None:
        for line in lines:
            wrapped = wrap(drawable(line.text), line.size, self.width, line.lines)
            self._lines += [(text, line) for text in wrapped]

    @property
    def height(self) -> int:
        return sum(line_height(line.size) for _, line in self._lines)

    def draw(self, pen: ImageDraw.ImageDraw, x: int, y: int) -> None:
        for text, line in self._lines:
            write(pen, (x, y), text, line.size, line.ink)
            y += line_height(line.size)


class _Row:
    """Photos beside each other; as high as the one with the longest text."""

    def __init__(self, cells: tuple[Cell, ...]) -> None:
        self._cells = cells
        self._blocks = [_Block(CELL) for _ in cells]
        for each, block in zip(cells, self._blocks, strict=True):
            block.add(*each.lines())
        self.height = CELL + 6 + max(block.height for block in self._blocks)

    def draw(self, picture: Image.Image, pen: ImageDraw.ImageDraw, y: int) -> None:
        for at, (each, block) in enumerate(zip(self._cells, self._blocks, strict=True)):
            x = GAP + at * (CELL + GAP)
            _paste(picture, pen, each.thumbnail, (x, y), CELL)
            rank = f"{each.rank:,}"
            wide = max(26, round(text_width(rank, 15)) + 14)
            pen.rectangle((x, y, x + wide - 1, y + 25), fill=_BADGE)
            write(pen, (x + (wide - round(text_width(rank, 15))) // 2, y + 3), rank, 15, _PAPER)
            block.draw(pen, x, y + CELL + 6)


def _paste(
    picture: Image.Image,
    pen: ImageDraw.ImageDraw,
    thumbnail: bytes | None,
    at: tuple[int, int],
    side: int,
) -> None:
    """A thumbnail in the middle of a square, as large as fits; nothing where it is damaged."""
    pen.rectangle((*at, at[0] + side - 1, at[1] + side - 1), fill=_MAT)
    if not thumbnail:
        return
    try:
        with Image.open(io.BytesIO(thumbnail), formats=("JPEG",)) as small:
            scale = side / max(small.size)
            size = (max(1, round(small.width * scale)), max(1, round(small.height * scale)))
            photo = small.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    except MemoryError:
        raise
    except Exception:  # decoders given damaged bytes raise nearly anything
        return
    corner = (at[0] + (side - photo.width) // 2, at[1] + (side - photo.height) // 2)
    picture.paste(photo, corner)
