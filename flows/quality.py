"""The flow that measures labels against what people decided."""

from typing import Any

from flows.recipe import recipe
from flows.reporting.report import RunReport
from flows.reporting.sections import VALUES_SHOWN, rounded
from flows.reporting.sheets import show_sheet
from flows.run import recorded_run
from labeling.assess import assess
from labeling.quality import Quality


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
        series = {
            f"{each.by}: {each.attribute}": each.calibration.bins
            for each in found
            if each.origin == "model" and each.calibration is not None
        }
        if series:
            from flows.reporting.charts import reliability_png

            chart = reliability_png("Reliability", series)
            show_sheet(run, chart, f"reliability, run {run.run_id}")
    return run.report


def _row(each: Quality) -> dict[str, Any]:
    right, of_all, calibration = each.accuracy, each.accuracy_of_all, each.calibration
    return {
        "attribute": each.attribute,
        "who": _who(each),
        "photos": each.photos,
        "coverage": f"{each.coverage:.3f}",
        "accuracy": rounded(right.share if right else None),
        "from": rounded(right.low if right else None, 2),
        "to": rounded(right.high if right else None, 2),
        "all said": rounded(of_all.share if of_all else None),
        "ECE": rounded(calibration.error if calibration else None),
    }


def _value_rows(each: Quality) -> list[dict[str, Any]]:
    return [
        {
            "attribute": each.attribute,
            "who": _who(each),
            "value": value.value,
            "photos": value.n,
            "precision": rounded(value.precision),
            "recall": rounded(value.recall),
        }
        for value in each.values
    ]


def _confusions(each: Quality) -> list[dict[str, Any]]:
    """The most frequent confusions, as rows of a table."""
    wrong = [pair for pair in each.confusion if set(pair.truth) != set(pair.said)]
    return [
        {
            "attribute": each.attribute,
            "who": _who(each),
            "decided": ", ".join(pair.truth) or "none",
            "said": ", ".join(pair.said) or "none",
            "photos": pair.count,
        }
        for pair in wrong[:VALUES_SHOWN]
    ]


def _who(each: Quality) -> str:
    return "label" if each.origin == "label" else f"{each.origin} {each.by}"
