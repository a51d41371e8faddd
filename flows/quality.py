"""The flow that measures labels against what people decided."""

from typing import Any

from prefect import flow

from flows.report import RunReport
from flows.run import Run, recorded_run
from flows.sheets import show_sheet
from labeling.assess import assess
from labeling.quality import Quality, Share


@flow(name="label-quality")
def label_quality() -> RunReport:
    """Measure sources, networks and labels on the photos that people decided about: accuracy,
    coverage and calibration, by attribute and value, with a reliability diagram."""
    with recorded_run("label-quality", {}) as run:
        found = assess(run.catalog)
        run.report.quality = [_row(each) for each in found]
        run.report.value_quality = [row for each in found for row in _value_rows(each)]
        if not found:
            run.report.messages.append(
                "nobody has decided about any photo yet: `marque review export` begins with those "
                "that are most useful"
            )
        _show_reliability(run, found)
    return run.report


def _row(each: Quality) -> dict[str, Any]:
    calibration = each.calibration
    return {
        "attribute": each.attribute,
        "who": _who(each),
        "photos": each.photos,
        "coverage": f"{each.coverage:.3f}",
        "accuracy": _share(each.accuracy),
        "of all said": _share(each.accuracy_of_all),
        "calibration error": "" if calibration is None else f"{calibration.error:.3f}",
    }


def _value_rows(each: Quality) -> list[dict[str, Any]]:
    return [
        {
            "attribute": each.attribute,
            "who": _who(each),
            "value": value.value,
            "photos": value.n,
            "precision": "" if value.precision is None else f"{value.precision:.3f}",
            "recall": "" if value.recall is None else f"{value.recall:.3f}",
        }
        for value in each.values
    ]


def _who(each: Quality) -> str:
    return "label" if each.origin == "label" else f"{each.origin} {each.by}"


def _share(share: Share | None) -> str:
    return "" if share is None else f"{share.share:.3f} ({share.low:.2f}-{share.high:.2f})"


def _show_reliability(run: Run, found: list[Quality]) -> None:
    series = {
        f"{each.by}: {each.attribute}": each.calibration.bins
        for each in found
        if each.origin == "model" and each.calibration is not None
    }
    if not series:
        return
    from flows.charts import reliability_png

    show_sheet(run, reliability_png("Reliability", series), f"reliability, run {run.run_id}")
