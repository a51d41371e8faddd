"""`python -m benchmarks [NAME...]`: run benchmarks, each writes its page in docs/benchmarks/."""

import argparse
import sys
from importlib import import_module
from pathlib import Path

NAMES = (
    *("cold-start", "crawl", "embedding", "fill", "growth", "house", "labeling", "labels"),
    *("memory", "names", "networks", "register", "scenes", "search", "siamese", "vectors"),
    "versions",
)
"""Modules beside this one, in the order in which they run; each has `page() -> str`."""

PAGES = Path(__file__).parents[1] / "docs" / "benchmarks"


def main() -> None:
    """Run those named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    names = parser.parse_args().names or NAMES
    if unknown := [name for name in names if name not in NAMES]:
        parser.error(f"no benchmark is called {unknown[0]!r}; there are {', '.join(NAMES)}")
    PAGES.mkdir(exist_ok=True)
    for name in names:
        text = import_module(f"benchmarks.{name.replace('-', '_')}").page()
        (PAGES / f"{name}.md").write_text(text, encoding="utf-8")
        sys.stdout.write(f"written: docs/benchmarks/{name}.md\n")


if __name__ == "__main__":
    main()
