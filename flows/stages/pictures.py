"""The label stage by what looks at pictures: segments first, then the labelers that need them.

torch is imported where a network is loaded, not with this module: a flow that labels by vectors
alone does not wait for it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from catalog.photos import DAMAGED_PHOTO
from catalog.segments import unsegmented
from catalog.table import Catalog
from core.errors import UsageMistakeError
from embeddings.registry import SpaceRecord
from flows.reporting.progress import stage
from flows.resources import segmenter_for, text_encoder_for
from flows.run import Run
from flows.settings import Settings
from flows.stages.embed import MEASURE_FROM, config_for
from flows.stages.networks import count_asked, labels_wanted, made_vectors
from flows.stages.tasks import opened, shard_task, shards
from labeling.label import add_assertions
from labeling.labelers import Labeler, thresholds_of
from labeling.networks import PredictionCounts, load_vector_labelers
from labeling.pending import unlooked_images
from labeling.pictures import (
    COLOR,
    NAMES,
    SURROUNDINGS,
    ColorModel,
    PixelLabeler,
    Surroundings,
    abstention,
    damaged_maps,
    label_pictures,
    load_masked_photos,
)
from labeling.prepare import prepare_pictures
from labeling.segmenters import TRYOUT_SEGMENTER
from labeling.zero_shot import ZERO_SHOT

PICTURES_AT_ONCE = 8
"""Photos in a forward pass, at most: what a network makes of their pixels takes a GB or more."""

if TYPE_CHECKING:
    from embeddings.engine import Engine
    from labeling.segment import Segmenter


def look_at_pictures(run: Run, names: Sequence[str], *, again: bool = False) -> None:
    """Let the named labelers look at every photo that they have not looked at, shard by shard; the
    segments that they need are made on the way, and kept."""
    offered = ["color" if name == COLOR else name for name in NAMES]
    names = [COLOR if name == "color" else name for name in names]
    if strange := [name for name in names if name not in NAMES]:
        raise UsageMistakeError(
            f"there is no labeler {strange[0]!r} that looks at pictures; use {' or '.join(offered)}"
        )
    record = made_vectors(run.catalog)
    if not names:
        return
    if record is None:
        run.report.messages.append(
            "no photo is embedded yet, so none was looked at; run `marque embed`"
        )
        return
    with kept_segmenter(run.settings) as segmenter:
        if segmenter.is_tryout and run.catalog.has_real_photos():
            run.report.messages.append(TRYOUT_SEGMENTER)
        for name in dict.fromkeys(names):
            member = member_for(run.settings, name, record)
            labeler = prepare_pictures(
                run.catalog,
                record,
                member,
                partial(segment_missing, run.settings, run.catalog, run_id=run.run_id),
                labels_wanted(run, is_tryout=member.is_tryout),
                run_id=run.run_id,
                again=again,
            )
            waiting = unlooked_images(run.catalog, labeler)
            done, damaged = PredictionCounts(), 0
            with stage(run.report, name, len(waiting)) as step:
                for shard in shards(waiting, run.settings.shard_size):
                    part, missed = look_shard(run.settings, labeler, record, shard, run.run_id)
                    done.add(part)
                    damaged += missed
                    step.advance(len(shard) - missed)
            count_asked(run, done)
            if damaged:
                run.report.notices[f"{name} did not look at it: {DAMAGED_PHOTO}"] = damaged
        run.report.models["segments"] = segmenter.version


@shard_task("look at pictures")
def look_shard(
    settings: Settings,
    labeler: Labeler,
    record: SpaceRecord,
    image_ids: Sequence[str],
    run_id: str,
) -> tuple[PredictionCounts, int]:
    """Segment those of one shard of photos that are not segmented, and store what the labeler says
    of all; also returns how many damaged ones were left out."""
    catalog = opened(settings)
    segment_missing(settings, catalog, image_ids, run_id=run_id)
    damaged: list[str] = []
    photos = dict(load_masked_photos(catalog, image_ids, damaged))
    rows = catalog.rows("cars", image_ids, ["image_id", "view"]).to_pylist()
    views = {row["image_id"]: row["view"] for row in rows}
    member = member_for(settings, labeler.name, record)
    now = datetime.now(UTC)
    made = label_pictures(member, labeler, photos, views, catalog.vocabulary, now)
    # A photo that cannot be decoded gets an abstention, otherwise it would wait forever. A damaged
    # one waits until it is ingested again.
    unseen = [key for key in image_ids if key not in photos and key not in damaged]
    made += [
        abstention(labeler, e.attribute, key, now) for key in unseen for e in member.attributes
    ]
    added = add_assertions(catalog, made, run_id=run_id)
    asked = PredictionCounts(photos=len(image_ids) - len(damaged))
    asked.count(added, thresholds_of([labeler]))
    return asked, len(damaged)


def segment_missing(
    settings: Settings, catalog: Catalog, image_ids: Sequence[str], *, run_id: str
) -> None:
    """Make the segments of those of these photos that have none of the network of the settings, or
    damaged ones."""
    from labeling.segment import segment_photos

    segmenter, engine = _segmenting(settings)
    missing = unsegmented(catalog, image_ids, segmenter.version)
    missing += [key for key in damaged_maps(catalog, image_ids) if key not in missing]
    for shard in shards(missing, settings.shard_size):
        segment_photos(catalog, segmenter, engine, shard, run_id)


@contextmanager
def kept_segmenter(settings: Settings) -> "Iterator[Segmenter]":
    """Keep one network and one engine for all shards of a stage, and close it after them."""
    segmenter, engine = _segmenting(settings)
    try:
        yield segmenter
    finally:
        _segmenting.cache_clear()
        member_for.cache_clear()
        engine.close()


@lru_cache(maxsize=1)
def _segmenting(settings: Settings) -> "tuple[Segmenter, Engine]":
    from embeddings.engine import Engine

    segmenter = segmenter_for(settings)
    worthwhile = not segmenter.is_tryout and opened(settings).count("cars") >= MEASURE_FROM
    config = config_for(settings, segmenter, measured=worthwhile)
    if settings.batch_size is None:
        config = replace(config, batch_size=min(config.batch_size, PICTURES_AT_ONCE))
    chosen = segmenter.in_dtype(config.dtype)
    return chosen, Engine(chosen, config)


@lru_cache(maxsize=2)
def member_for(settings: Settings, name: str, record: SpaceRecord) -> PixelLabeler:
    """A labeler by its name; raises `ModelError` where the model of the vectors is not here."""
    segmenter, _ = _segmenting(settings)
    catalog = opened(settings)
    if name == COLOR:
        if not catalog.vocabulary.questions["color"].swatches:
            raise UsageMistakeError("the vocabulary has no swatches of colors to compare with")
        return ColorModel(catalog.vocabulary, segmenter.version, is_tryout=segmenter.is_tryout)
    assert name == SURROUNDINGS, name
    vector_labelers = load_vector_labelers(catalog, record.version)
    asked = [
        each
        for labeler, some in vector_labelers.members
        if labeler.name == ZERO_SHOT
        for each in some
    ]
    seen_with = (segmenter.version, record.version)
    is_tryout = segmenter.is_tryout or record.is_tryout
    encoder = text_encoder_for(settings, record.space_spec)
    return Surroundings(encoder, asked, seen_with, is_tryout=is_tryout)
