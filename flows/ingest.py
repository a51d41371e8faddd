"""The flows that write: each is a recipe over the stages of a run."""

from typing import Annotated

from pydantic import Field

from catalog.index import drop_broken_indexes
from core.errors import UsageMistakeError
from embeddings.registry import Metric, Pooling
from flows.recipe import recipe
from flows.reporting.report import RunReport
from flows.reporting.sheets import show_arrivals
from flows.resources import encoder_for, record_for
from flows.run import recorded_run
from flows.stages.networks import ask_networks
from flows.stages.pipeline import (
    check_good_photo,
    fill_spaces,
    make_searchable,
    publish_pending,
    register_all,
)
from flows.stages.sources import make_source, open_inbox, remember_source
from flows.stages.spaces import asked_spaces


@recipe("ingest")
def ingest(
    source: str = "folder",
    path: str | None = None,
    limit: Annotated[int, Field(ge=1)] | None = None,
    embed: bool = True,
    sidecar: str | None = None,
    columns: dict[str, str] | None = None,
) -> RunReport:
    """Take photos in from a source on disk and make them searchable.

    Without a path that is the inbox of the settings, which may be empty. A folder is taken in with
    the sidecar and the columns that were last given for it, unless others are. Running it again
    adds nothing twice and continues where a broken run stopped. Fails if no photo of the source was
    good.
    """
    given = {"source": source, "path": path, "limit": limit, "sidecar": sidecar}
    with recorded_run("ingest", given | {"embed": embed, "columns": columns}) as run:
        place = path or open_inbox(run)
        photos = (
            make_source(run, source, place, sidecar=sidecar, columns=columns) if place else None
        )
        # Errors of the source are raised before the model is loaded.
        total = photos.count() if photos else None
        record = record_for(run.settings) if embed else None
        if photos:
            remember_source(run, photos)
            register_all(run, photos, total, limit)
        make_searchable(run, record)
        show_arrivals(run)
    return run.report


@recipe("embed")
def embed(
    spaces: list[str] | None = None,
    model: str | None = None,
    weights: str | None = None,
    layers: list[str] | None = None,
    pooling: Pooling | None = None,
    metric: Metric | None = None,
) -> RunReport:
    """Label and embed what waits for it, and publish: after `--no-embed`, or with a new model.

    With `spaces`, fill these for the photos that are in the catalog already. A space that is there
    is filled by the model that made it; `model`, `weights`, `layers`, `pooling` and `metric`
    describe another one.
    """
    options = {
        "model": model,
        "weights": weights,
        "layers": layers,
        "pooling": pooling,
        "metric": metric,
    }
    given = {name: value for name, value in options.items() if value}
    with recorded_run("embed", {"spaces": spaces, **options}) as run:
        if spaces:
            fill_spaces(run, asked_spaces(run.catalog, spaces, given))
            ask_networks(run)  # heads of that space have more to say, or go with the old model
            publish_pending(run)
        elif given:
            raise UsageMistakeError(
                f"{', '.join(given)} describes a space; name it with --space, such as --space vgg16"
            )
        else:
            make_searchable(run, record_for(run.settings))
    return run.report


@recipe("publish")
def publish(allow_loss: bool = False) -> RunReport:
    """Label what waits for it, check the catalog and let searches read it as it is now.

    Where searches would lose many photos or labels it fails, unless `allow_loss` says that this
    is meant.
    """
    with recorded_run("publish", {"allow_loss": allow_loss or None}) as run:
        if dropped := drop_broken_indexes(run.catalog):
            run.report.messages.append(
                f"indexes that were damaged are dropped: {', '.join(dropped)}"
            )
        make_searchable(run, None, allow_loss=allow_loss)
    return run.report


@recipe("reset")
def reset(path: str) -> RunReport:
    """Delete everything in the catalog but the history of runs, and fill it from a folder.

    The source and the model are checked before anything is deleted.
    """
    with recorded_run("reset", {"path": path}) as run:
        photos = make_source(run, "folder", path)
        check_good_photo(photos)
        record = encoder_for(run.settings).record
        run.catalog.drop_photos()
        register_all(run, photos, photos.count(), None)
        make_searchable(run, record)
    return run.report
