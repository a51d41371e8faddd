"""The flow that labels what waits for it, without embedding anything."""

from prefect import flow

from catalog.cars import add_label_columns
from flows.labelling import ask_networks
from flows.report import RunReport
from flows.run import recorded_run
from flows.sheets import show_confidences
from flows.stages import label_pending, publish_pending


@flow(name="label")
def label(calibrate: bool = False) -> RunReport:
    """Read the words of sources, ask the networks about photos that have vectors, and publish.

    With `calibrate` the networks are calibrated anew by the labels that are known now.
    """
    with recorded_run("label", {"calibrate": calibrate}) as run:
        add_label_columns(run.catalog)
        label_pending(run)
        ask_networks(run, again=calibrate)
        publish_pending(run)
        show_confidences(run)
    return run.report
