"""`python -m benchmarks`: run the benchmarks and write their pages in docs/."""

from pathlib import Path

from benchmarks.vectors import ROWS, measure_all, page

if __name__ == "__main__":
    target = Path(__file__).parents[1] / "docs" / "vectors.md"
    target.write_text(page(measure_all(ROWS), "python -m benchmarks"), encoding="utf-8")
    print(f"written: docs/{target.name}")
