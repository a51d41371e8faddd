"""Decisions come in through a flow: kept, published, and recorded, whatever happens on the way."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.car_columns import open_space, space_record
from catalog.published import PublishedCars
from catalog.table import Catalog, open_catalog
from flows.run import RunFailedError
from synthetic.scenes import write_scenes

HEAD = "image_id,attribute,decision,by,decided_at\n"
PHOTOS = 12


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a few scenes, embedded and published; tests work on copies of it."""
    from flows.ingest import ingest

    folder = tmp_path_factory.mktemp("review")
    write_scenes(folder / "scenes", PHOTOS, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARQUE_HOME", str(folder / "home"))
        patch.setenv("MARQUE_SEMANTIC_MODEL", "marque-tiny")
        assert ingest(source="scenes", path=str(folder / "scenes")).published["photos"] == PHOTOS
    return folder / "home"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, filled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(filled, tmp_path / "home")
    monkeypatch.setenv("MARQUE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MARQUE_SEMANTIC_MODEL", "marque-tiny")
    return tmp_path / "home"


@pytest.fixture
def catalog(home: Path) -> Catalog:
    return open_catalog(home / "catalog", create=False)


@pytest.fixture
def keys(catalog: Catalog) -> list[str]:
    return sorted(catalog.column("cars", "image_id").to_pylist())


Give = Callable[..., str]


@pytest.fixture
def give(tmp_path: Path) -> Give:
    def written(*rows: str, name: str = "review.csv") -> str:
        path = tmp_path / name
        path.write_text(HEAD + "".join(f"{row}\n" for row in rows), encoding="utf-8")
        return str(path)

    return written


def shown(catalog: Catalog, key: str, attribute: str = "make") -> tuple[str | None, str | None]:
    """What searches see."""
    columns = [attribute, f"{attribute}_origin"]
    row = PublishedCars(catalog).rows([key], columns)[key]
    return row[attribute], row[f"{attribute}_origin"]


def said(catalog: Catalog) -> Counter[tuple[str, str, str]]:
    """Every statement of a person: photo, value, who."""
    columns = ["image_id", "values", "by"]
    rows = (
        catalog.table("assertions").search().where("`origin` = 'human'").select(columns).to_list()
    )
    return Counter((row["image_id"], ";".join(row["values"]), row["by"]) for row in rows)


def test_decisions_show_in_searches_at_once(catalog: Catalog, keys: list[str], give: Give) -> None:
    from flows.review import review_import

    file = give(
        f"{keys[0]},make,Kia,ann,2026-11-02", f"{keys[1][:9]},make,BMW,,", f"{keys[2]},x,y,,"
    )
    done = review_import([file], by="bob")
    assert (done.status, done.published["photos"]) == ("done", PHOTOS)
    assert shown(catalog, keys[0]) == ("Kia", "human")
    assert shown(catalog, keys[1]) == ("BMW", "human")
    assert done.review is not None
    assert done.review["by"] == {"ann": 1, "bob": 1}
    (line,) = done.review["lines"]
    assert line["where"] == "review.csv, line 4"
    row = catalog.rows("runs", [done.run_id], ["flow", "report"]).to_pylist()[0]
    assert row["flow"] == "review-import"
    assert json.loads(row["report"])["review"] == done.review
    tables = done.tables()
    assert tables["Decisions"] == [{"": "new", "count": 2}, {"": "not taken", "count": 1}]
    assert tables["Import"][0]["taken"] == "no"
    assert "2 new decisions" in done.summary()
    again = review_import([file], by="bob")
    assert again.review is not None
    assert (again.status, again.review["new"], again.review["known"]) == ("done", 0, 2)
    assert said(catalog).total() == 2


def test_decisions_survive_an_ingest_and_a_new_vocabulary(
    home: Path, catalog: Catalog, keys: list[str], give: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.ingest import ingest, publish
    from flows.review import review_import

    before = catalog.rows("cars", [keys[0]], ["color", "source_id"]).to_pylist()[0]
    other = "pink" if before["color"] != "pink" else "gold"
    review_import([give(f"{keys[0]},color,{other},ann,", f"{keys[0]},view,?,ann,")])
    ingest(source="scenes", path=str(Path(before["source_id"]).parent))
    (home / "words.toml").write_text('[attributes.color.words]\nred = ["tomato"]\n')
    monkeypatch.setenv("MARQUE_VOCABULARY", str(home / "words.toml"))
    publish()
    assert shown(catalog, keys[0], "color") == (other, "human")
    assert shown(catalog, keys[0], "view") == (None, None)


def test_a_file_with_nothing_good_fails_and_says_why(
    catalog: Catalog, keys: list[str], give: Give
) -> None:
    from flows.review import review_import

    with pytest.raises(RunFailedError, match=r"2 lines wrong; the first is review\.csv, line 2"):
        review_import([give(f"{keys[0]},color,spaceship,ann,", "ffffff,color,red,ann,")])
    with pytest.raises(RunFailedError, match="2 questions left empty"):
        review_import([give(f"{keys[0]},color,,,", f"{keys[0]},make,,,")])
    with pytest.raises(RunFailedError, match=r"absent\.csv, file: it cannot be read"):
        review_import(["absent.csv"])
    assert said(catalog).total() == 0


def test_one_good_file_of_two_is_enough(keys: list[str], give: Give, catalog: Catalog) -> None:
    from flows.review import review_import

    done = review_import(["absent.csv", give(f"{keys[0]},make,Kia,ann,")])
    assert done.review is not None
    assert (done.status, done.review["refused"]) == ("done", 1)
    assert shown(catalog, keys[0]) == ("Kia", "human")


def test_a_file_that_breaks_keeps_no_other_from_being_shown(
    keys: list[str], give: Give, catalog: Catalog
) -> None:
    from flows.review import review_import

    kept, broken = give(f"{keys[0]},make,Kia,ann,"), "no\0path.csv"  # which no system can open
    for files in ([kept, broken], [broken, kept]):
        done = review_import(files)
        assert done.review is not None
        assert (done.status, done.review["refused"]) == ("done", 1)
        (line,) = done.review["lines"]
        assert line["where"] == "no\0path.csv, file"
        assert "it could not be stored: unexpected ValueError: embedded null" in line["what"]
        assert shown(catalog, keys[0]) == ("Kia", "human")
    with pytest.raises(RunFailedError, match="embedded null") as failed:
        review_import([broken])
    assert failed.value.report.review is not None
    assert failed.value.report.review["refused"] == 1


def test_decisions_are_kept_while_photos_wait_for_vectors(
    catalog: Catalog, keys: list[str], give: Give
) -> None:
    """As they do while an embedding with another model is under way."""
    from flows.ingest import embed
    from flows.review import review_import

    record = json.loads(space_record(catalog.table("cars").schema, "semantic") or b"")
    other = record | {"version": "other@1"}
    open_space(catalog, "semantic", record["size"], json.dumps(other).encode())
    done = review_import([give(f"{keys[0]},make,Kia,ann,")])
    assert done.status == "done"
    (message,) = [each for each in done.messages if "decisions" in each]
    assert "the decisions are kept" in message
    assert f"{PHOTOS} of {PHOTOS} photos wait" in message
    assert shown(catalog, keys[0]) == (None, None)
    assert embed().status == "done"
    assert shown(catalog, keys[0]) == ("Kia", "human")


def test_decisions_before_anything_is_embedded(
    tmp_path: Path, filled: Path, give: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.ingest import embed, ingest
    from flows.review import review_import

    monkeypatch.setenv("MARQUE_HOME", str(tmp_path / "other"))
    ingest(source="scenes", path=str(filled.parent / "scenes"), limit=2, embed=False)
    other = open_catalog(tmp_path / "other" / "catalog", create=False)
    key = other.column("images", "image_id").to_pylist()[0]
    done = review_import([give(f"{key},make,Kia,ann,")])
    assert (done.status, done.published) == ("done", {"version": 0, "photos": 0})
    embed()
    assert shown(other, key) == ("Kia", "human")
