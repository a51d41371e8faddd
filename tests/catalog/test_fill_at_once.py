"""Several writers of the same table at once, and any order of what may happen to a filling."""

import multiprocessing
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import fill as fill_module
from catalog.car_columns import open_space
from catalog.table import CatalogError, open_catalog
from tests.catalog.filling import (
    LITE,
    RECORD,
    SIZE,
    add_rows,
    check,
    colored,
    fill,
    fill_all,
    ids,
    resume,
    vectors,
)


def work(uri: str, folder: str, start: Any, what: str) -> int:
    """One of several processes that write to the same table: what it computed, or its rounds."""
    fill_module.COMMIT_ROWS = 60
    catalog = open_catalog(uri)
    start.wait(500)
    if what in (LITE, "vgg"):
        with resume(catalog, Path(folder), what) as filling:
            computed = fill(filling, 10)
            filling.finish()
        return sum(map(len, computed))
    for turn in range(6):
        try:
            if what == "labels":
                catalog.rewrite("cars", colored(range(400), f"color {turn}"))
            else:
                add_rows(catalog, range(1000 + 5 * turn, 1005 + 5 * turn))
                catalog.remove("cars", ids([turn]))
                catalog.table("cars").to_lance().optimize.compact_files()
        except (CatalogError, OSError):
            continue  # another was first, or deleted what was to be labeled
    return 6


@pytest.mark.parametrize(
    ("homes", "what"),
    [(1, (LITE, LITE)), (2, (LITE, LITE, "vgg")), (1, (LITE, "labels", "rows"))],
)
def test_several_at_once_lose_no_row_and_each_ends(
    tmp_path: Path, homes: int, what: tuple[str, ...]
) -> None:
    catalog = open_catalog(tmp_path / "catalog")
    for start in range(0, 400, 100):
        add_rows(catalog, range(start, start + 100))
    open_space(catalog, LITE, SIZE, RECORD)
    open_space(catalog, "vgg", 40, RECORD)
    places = [str(tmp_path / f"home {at % homes}") for at in range(len(what))]
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(len(what), mp_context=context) as pool:
        together = manager.Barrier(len(what))
        tasks = [
            pool.submit(work, catalog.uri, place, together, each)
            for place, each in zip(places, what, strict=True)
        ]
        for task in tasks:
            task.result(500)
    added = [n for n in range(1000, 1030) if catalog.count("cars", f"source_id = '{n}'")]
    there = {n for n in range(400) if catalog.count("cars", f"source_id = '{n}'")}
    assert len(there) >= (394 if "rows" in what else 400)
    fill_all(catalog, tmp_path / "home 0")  # of the rows that were added meanwhile
    check(catalog, there | set(added))
    if "vgg" in what:
        check(catalog, there, space="vgg")
    assert not [*tmp_path.glob("home */**/*.*")]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("keep"), st.integers(1, 4)),
        st.tuples(st.just("keep any"), st.lists(st.integers(0, 60), min_size=1, max_size=9)),
        st.tuples(st.just("add"), st.integers(1, 6)),
        st.tuples(st.just("remove"), st.lists(st.integers(0, 60), min_size=1, max_size=5)),
        st.tuples(st.just("label"), st.lists(st.integers(0, 60), min_size=1, max_size=30)),
        st.tuples(st.sampled_from(["compact", "resume", "finish", "clean"]), st.none()),
    ),
    max_size=16,
)


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_after_any_steps_a_filling_gives_each_photo_its_vector(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, Any]]
) -> None:
    place = tmp_path_factory.mktemp("steps")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fill_module, "COMMIT_ROWS", 7)
        patch.setattr(fill_module, "MAX_ASIDE_ROWS", 20)
        catalog = open_catalog(place / "catalog")
        there = set(range(20))
        add_rows(catalog, there)
        open_space(catalog, LITE, SIZE, RECORD)
        filling = resume(catalog, place / "home")
        new = iter(range(20, 1000))
        for what, given_ in steps:
            if what == "keep":
                fill(filling, 3, shards=given_)
            elif what == "keep any":
                keys = ids(given_)
                filling.keep(keys, vectors(keys))
                filling.commit()
            elif what == "add":
                some = {next(new) for _ in range(given_)}
                add_rows(catalog, some)
                there |= some
            elif what == "remove":
                catalog.remove("cars", ids(given_))
                there -= set(given_)
            elif what == "label":
                catalog.rewrite("cars", colored(there & set(given_), "red"))
            elif what == "compact":
                catalog.table("cars").to_lance().optimize.compact_files()
            elif what == "clean":
                shutil.rmtree(place / "home")
                filling = resume(catalog, place / "home")
            else:
                if what == "finish":
                    filling.finish()
                filling.close()
                filling = resume(catalog, place / "home")
        filling.finish()
        filling.close()
        fill_all(catalog, place / "home")
        check(catalog, there)
    shutil.rmtree(place)
