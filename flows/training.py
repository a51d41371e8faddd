"""The flow that trains: heads on the catalog's own vectors and labels."""

from catalog.car_columns import add_label_columns
from core.errors import UsageMistakeError
from flows.recipe import recipe
from flows.reporting.progress import stage
from flows.reporting.report import RunReport
from flows.reporting.sections import rounded
from flows.run import recorded_run
from flows.stages.networks import ask_networks, labels_wanted, made_spaces, made_vectors
from flows.stages.pipeline import label_pending, publish_pending
from labeling.training import train_heads as train_heads_of
from labeling.training import trainable


@recipe("train-heads")
def train_heads(attributes: list[str] | None = None, spaces: list[str] | None = None) -> RunReport:
    """Train a small classifier for each attribute from the labels of people and sources, use those
    that are better than zero-shot on photos held out, and label with them.

    Each is trained on the vectors of every space, or of these, and the space is taken in which it
    is right most often on photos that it did not learn from.
    """
    with recorded_run("train-heads", {"attributes": attributes, "spaces": spaces}) as run:
        add_label_columns(run.catalog)
        names = trainable(run.catalog, attributes or ())
        record = made_vectors(run.catalog)
        if record is None:
            raise UsageMistakeError("no photo has a vector yet; run `marque embed` first")
        records = [each for each in made_spaces(run.catalog) if not spaces or each.space in spaces]
        if unknown := set(spaces or ()) - {each.space for each in records}:
            raise UsageMistakeError(
                f"the catalog has no space {min(unknown)!r}; it has "
                f"{', '.join(each.space for each in made_spaces(run.catalog))}"
            )
        label_pending(run)
        ask_networks(run)
        labels = labels_wanted(run, is_tryout=record.is_tryout)
        with stage(run.report, "train", None) as step:
            for trial in train_heads_of(
                run.catalog, record, records, names, labels, run_id=run.run_id
            ):
                row = {
                    "attribute": trial.attribute,
                    "space": trial.space,
                    "known labels": trial.photos,
                    "held out": trial.held_out,
                    "head": rounded(trial.accuracy),
                    "zero-shot": rounded(trial.zero_shot),
                    "p": "" if trial.chance is None else f"{trial.chance:.2g}",
                    "outcome": trial.why,
                }
                run.report.heads.append(row)
                step.advance(trial.photos)
                step.tell(f"{len(run.report.heads)} of {len(names)} attributes, photos")
        ask_networks(run)
        publish_pending(run)
    return run.report
