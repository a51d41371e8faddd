"""The benchmark of fresh processes, once each."""

import pytest

from benchmarks.cold_start import CASES, Row, measure, page_of

QUICK = [command for command in CASES if command != 'marque search "a red car"']


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return measure(scenes=12, runs=1, commands=QUICK)


def test_every_command_is_run_and_its_imports_known(rows: list[Row]) -> None:
    assert [row.command for row in rows] == QUICK
    assert all(len(row.seconds) == 1 and row.median > 0 for row in rows)
    imported = [{package for package, _ in row.imports} for row in rows]
    assert not {"torch", "lancedb", "prefect"} & imported[0]
    assert not {"torch", "prefect"} & imported[1]
    assert "lancedb" in imported[1]
    assert "torch" in imported[2]
    assert not {"torch", "prefect"} & imported[3]
    assert "prefect" not in imported[2]
    assert all(spent > 0 for row in rows for _, spent in row.imports)


@pytest.mark.parametrize(("seconds", "said"), [([0.4, 0.2, 0.9], "reached"), ([0.6], "missed")])
def test_the_verdict_follows_from_the_median(seconds: list[float], said: str) -> None:
    text = page_of([Row("marque --help", seconds, 0.5, [("click", 99.0)])])
    assert f"| `marque --help` | {sorted(seconds)[len(seconds) // 2]:.2f} |" in text
    assert f"are {said} by" in text
