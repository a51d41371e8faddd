"""The flow that labels what waits for it, without embedding anything."""

from catalog.car_columns import add_label_columns
from flows.recipe import recipe
from flows.reporting.report import RunReport
from flows.reporting.sheets import show_confidences
from flows.run import recorded_run
from flows.stages.networks import ask_networks
from flows.stages.pictures import look_at_pictures
from flows.stages.pipeline import label_pending, publish_pending


@recipe("label")
def label(pictures: list[str] | None = None, calibrate: bool = False) -> RunReport:
    """Read the words of sources, ask the networks about photos that have vectors, and publish.

    `pictures` names labelers that also look at the pictures themselves, `color` and
    `surroundings`. With `calibrate` all are recalibrated with the labels that are known now.
    """
    with recorded_run("label", {"pictures": pictures, "calibrate": calibrate}) as run:
        add_label_columns(run.catalog)
        label_pending(run)
        ask_networks(run, again=calibrate)
        look_at_pictures(run, pictures or (), again=calibrate)
        publish_pending(run)
        show_confidences(run)
    return run.report
