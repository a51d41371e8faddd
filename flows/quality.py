"""The flow that measures labels against what people decided."""

from typing import Any

from flows.recipe import recipe
from flows.reporting.report import RunReport
from flows.reporting.sections import SHOWN
from flows.reporting.sheets import show_sheet
from flows.run import Run, recorded_run
from labeling.assess import assess
from labeling.quality import Quality, Share


@recipe("label-quality")
def label_quality() -> RunReport:
    """Measure sources, networks and labels on the photos that people decided about.

    By attribute and value: accuracy of what could be a label, with its 95 % interval, and of all
    that was said, coverage, calibration error (ECE), with a reliability diagram.
    """
    with recorded_run("label-quality", {}) as run:
        found = assess(run.catalog)
        run.report.quality = [_row(each) for each in found]
        run.report.value_quality = [row for each in found for row in _value_rows(each)]
        run.report.confusions = [row for each in found for row in _confusions(each)]
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
        "from": "" if each.accuracy is None else f"{each.accuracy.low:.2f}",
        "to": "" if each.accuracy is None else f"{each.accuracy.high:.2f}",
        "all said": _share(each.accuracy_of_all),
        "ECE": "" if calibration is None else f"{calibration.error:.3f}",
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


def _confusions(each: Quality) -> list[dict[str, Any]]:
    """What was most often taken for what."""
    wrong = [pair for pair in each.confusion if set(pair.truth) != set(pair.said)]
    return [
        {
            "attribute": each.attribute,
            "who": _who(each),
            "decided": ", ".join(pair.truth) or "none",
            "said": ", ".join(pair.said) or "none",
            "photos": pair.count,
        }
        for pair in wrong[:SHOWN]
    ]


def _who(each: Quality) -> str:
    return "label" if each.origin == "label" else f"{each.origin} {each.by}"


def _share(share: Share | None) -> str:
    return "" if share is None else f"{share.share:.3f}"


def _show_reliability(run: Run, found: list[Quality]) -> None:
    series = {
        f"{each.by}: {each.attribute}": each.calibration.bins
        for each in found
        if each.origin == "model" and each.calibration is not None
    }
    if not series:
        return
    from flows.reporting.charts import reliability_png

    show_sheet(run, reliability_png("Reliability", series), f"reliability, run {run.run_id}")
