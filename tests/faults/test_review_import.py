"""Imports of decisions that run at the same time, or that are killed."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.published import PublishedCars
from catalog.table import Catalog
from synthetic.scenes import write_scenes
from tests.faults.running import catalog_of, held, here, kill, report, start, told

HEAD = "image_id,attribute,decision,by,decided_at\n"

Give = Callable[..., str]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_scenes(tmp_path / "scenes", 12, 1)
    report(here(tmp_path / "home", "ingest", "scenes", str(tmp_path / "scenes"), "--json"))
    return tmp_path / "home"


@pytest.fixture
def catalog(home: Path) -> Catalog:
    return catalog_of(home)


@pytest.fixture
def keys(catalog: Catalog) -> list[str]:
    return sorted(catalog.column("cars", "image_id").to_pylist())


@pytest.fixture
def give(tmp_path: Path) -> Give:
    def written(*rows: str, name: str = "review.csv") -> str:
        path = tmp_path / name
        path.write_text(HEAD + "".join(f"{row}\n" for row in rows), encoding="utf-8")
        return str(path)

    return written


def shown(catalog: Catalog, key: str) -> tuple[str | None, str | None]:
    """The make that searches see, and whose word that is."""
    row = PublishedCars(catalog).rows([key], ["make", "make_origin"])[key]
    return row["make"], row["make_origin"]


def said(catalog: Catalog) -> Counter[tuple[str, str, str]]:
    """Every statement of a person: photo, value, who."""
    columns = ["image_id", "values", "by"]
    query = catalog.table("assertions").search().where("`origin` = 'human'").select(columns)
    return Counter((row["image_id"], ";".join(row["values"]), row["by"]) for row in query.to_list())


def test_two_imports_at_once(home: Path, catalog: Catalog, keys: list[str], give: Give) -> None:
    """Of files that share some of their decisions: nothing is lost, nothing is there twice."""
    rows = [f"{key},make,Kia,ann,2026-11-02" for key in keys[:6]]
    rows += [f"{key},make,BMW,ann," for key in keys[6:]]
    files = [give(*rows[:8], name="a.csv"), give(*rows[4:], name="b.csv")]
    both = [start(home, "review", "import", file, "--json") for file in files]
    reports = [told(each)["review"] for each in both]
    assert all(each["new"] + each["known"] == 8 for each in reports)
    assert said(catalog) == Counter(
        {(key, "Kia" if at < 6 else "BMW", "ann"): 1 for at, key in enumerate(keys)}
    )
    assert shown(catalog, keys[0]) == ("Kia", "human")
    assert shown(catalog, keys[11]) == ("BMW", "human")


def test_the_same_decisions_while_another_import_is_about_to_store_them(
    home: Path, catalog: Catalog, keys: list[str], give: Give
) -> None:
    """Both have looked, and neither found them there."""
    file = give(f"{keys[0]},make,Kia,ann,2026-11-02", f"{keys[1]},make,Kia,ann,")
    words = ("review", "import", file, "--json")
    strike = {"when": "before", "call": "commit", "table": "assertions", "nth": 1}
    with held(home, strike, *words) as process:
        assert report(here(home, *words))["review"]["new"] == 2
    assert told(process)["status"] == "done"
    assert said(catalog) == {(keys[0], "Kia", "ann"): 1, (keys[1], "Kia", "ann"): 1}


def test_an_import_that_is_killed_is_done_again(
    home: Path, tmp_path: Path, catalog: Catalog, keys: list[str], give: Give
) -> None:
    words = (
        "review",
        "import",
        give(f"{keys[0]},make,Kia,ann,", f"{keys[1]},make,?,bob,"),
        "--json",
    )
    strike = {"when": "after", "table": "assertions", "call": "commit", "nth": 1}
    assert kill(home, tmp_path / "journal", strike, *words) is not None
    assert said(catalog).total() == 2
    assert shown(catalog, keys[0]) == (None, None)
    done = report(here(home, *words))
    assert done["review"]["new"] + done["review"]["known"] == 2
    assert said(catalog) == {(keys[0], "Kia", "ann"): 1, (keys[1], "", "bob"): 1}
    assert shown(catalog, keys[0]) == ("Kia", "human")
