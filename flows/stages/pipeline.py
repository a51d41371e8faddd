"""The stages of a run. Each asks what is pending, does it shard by shard, and counts it in the
report."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from catalog.car_columns import (
    add_label_columns,
    open_space,
    replace_space_record,
    space_records,
)
from catalog.cleanup import clean_up
from catalog.fill import Filling, open_filling
from catalog.index import maintain_indexes
from catalog.registration_counts import RegistrationCounts
from catalog.sql import equals
from core.photos.decode import PHOTO_UNREADABLE, RejectedError, decode_facts
from core.photos.files import read_photo
from core.records import Drop, Notice, Photo, Source, SourceError
from core.text import counted
from crawlers.imports.drive import FolderOnDrive
from embeddings.registry import SPACE, TRYOUT, ModelError, SpaceRecord, SpaceSpec
from flows.reporting.progress import stage
from flows.resources import encoder_for
from flows.run import Run
from flows.stages.embed import EmbeddedShard, ShardVectors, choose_config, kept_engine
from flows.stages.networks import ask_networks, count_asked
from flows.stages.tasks import (
    REFRESH_SHARDS,
    VECTOR_SHARDS,
    embed_images,
    embed_into,
    label_shard,
    overlapped,
    refresh_shard,
    register_shard,
    shards,
)
from labeling.label import LabelCounts
from labeling.networks import PredictionCounts
from labeling.pending import (
    embed_stage,
    stale_cars,
    unembedded_images,
    unlabeled_sightings,
)
from labeling.publish.cars import DisagreementCounts
from labeling.publish.publish import publish
from labeling.publish.status import unpublished

VECTORS = f"{SPACE}_version"

SAMPLED = 4096
"""Of the photos that wait for a space, the first so many decide how its model is run."""


def register_all(run: Run, source: Source, total: int | None, limit: int | None) -> None:
    """Register every record of a source of `total`, or those up to its `limit`-th photo."""
    if limit is not None:
        total = limit if total is None else min(total, limit)
    done = RegistrationCounts()
    with stage(run.report, "register", total) as step:
        for shard in shards(limited(source, limit), run.settings.shard_size):
            part = register_shard(run.settings, shard, run.run_id)
            done.add(part)
            step.advance(part.seen)
            if part.rejected[PHOTO_UNREADABLE] and isinstance(source, FolderOnDrive):
                source.check_still_there()  # else every file of a drive that is away is rejected
        step.stage.counts["bytes"] = done.bytes
    report = run.report
    report.add_registered(done)
    if report.seen and not report.good:
        report.error = f"no photo can be taken: {counted(report.seen, 'file')} seen, all rejected"


def check_good_photo(source: Source) -> None:
    """Make sure that a source has a photo that can be taken; raises `SourceError`."""
    for record in source.records():
        if isinstance(record, Photo):
            try:
                decode_facts(read_photo(record.content or b""))
            except (OSError, RejectedError):
                continue
            return
    raise SourceError(f"source {source.name!r} has no photo that can be taken; nothing was deleted")


def limited(source: Source, limit: int | None) -> Iterator[Photo | Drop | Notice]:
    """The records of a source, ending with its `limit`-th photo if there are more."""
    photos = 0
    for record in source.records():
        if limit is not None and photos >= limit:
            return
        yield record
        photos += isinstance(record, Photo)


def make_searchable(run: Run, record: SpaceRecord | None, *, allow_loss: bool = False) -> None:
    """Label and publish what waits for it, and embed it if there is a model.

    Networks label photos by their vectors. Where networks for the model are in use already, new
    photos enter the catalog with their labels; the others are labeled after they are embedded.
    """
    label_pending(run)
    asked = None if record is None else embed_pending(run, record)
    if record is not None:
        _fill_again(run)
    ask_networks(run, asked=asked)
    publish_pending(run, allow_loss=allow_loss)


def label_pending(run: Run) -> None:
    """Read the words of all sightings that were not read with this vocabulary."""
    add_label_columns(run.catalog)
    waiting = unlabeled_sightings(run.catalog)
    done = LabelCounts()
    with stage(run.report, "label", len(waiting)) as step:
        for shard in shards(waiting, run.settings.shard_size * VECTOR_SHARDS):
            part = label_shard(run.settings, shard, run.run_id)
            done.add(part)
            step.advance(part.sightings)
    run.report.add_labels(done)
    if done.sightings:
        # Networks are measured by the labels of rows: those must show what was read just now.
        for shard in shards(stale_cars(run.catalog), run.settings.shard_size * REFRESH_SHARDS):
            refresh_shard(run.settings, shard)


def embed_pending(run: Run, record: SpaceRecord) -> PredictionCounts:
    """Embed all photos without a vector of this model; returns what networks said of them."""
    open_space(run.catalog, record.space, record.size, record.to_json())
    new, old = unembedded_images(run.catalog, SPACE, record.version)
    run.report.models[SPACE] = record.version
    rejected: Counter[str] = Counter()
    asked = PredictionCounts()
    with stage(run.report, "embed", len(new) + len(old)) as step:
        if new or old:
            for part in _embedded(run, new, old):
                rejected.update(f"not embedded: {reason}" for reason in part.rejected)
                asked.add(part.asked)
                run.report.newly_rejected += part.newly_rejected
                step.advance(part.photos + len(part.rejected))
    run.report.notices |= rejected
    count_asked(run, asked)
    if new or old:
        from embeddings.published import doubt_of  # open_clip is loaded by now

        run.report.messages.extend(filter(None, [doubt_of(record.spec)]))
    if record.is_tryout and run.catalog.has_real_photos():
        run.report.messages.append(TRYOUT)
    return asked


def _embedded(run: Run, new: list[str], old: list[str]) -> Iterator[EmbeddedShard]:
    """Two shards at a time: the model works at one while the other is read or written."""
    config = choose_config(run.settings, run.catalog, new + old)
    run.report.models[f"{SPACE}, run as"] = str(config)
    calls = (
        (run.settings, config, shard, run.run_id, replace)
        for ids, replace in ((new, False), (old, True))
        for shard in shards(ids, run.settings.shard_size)
    )
    with kept_engine(run.settings, config):
        yield from overlapped(embed_images, calls)


def fill_spaces(run: Run, spaces: Sequence[SpaceSpec]) -> None:
    """Give the photos of `cars` the vectors of these spaces that they lack."""
    for space in spaces:
        record = encoder_for(run.settings, space).record
        open_space(run.catalog, space.space, record.size, record.to_json())
        held = space_records(run.catalog.table("cars").schema).get(space.space, record.to_json())
        made = SpaceRecord.from_json(held)
        if not made.spec.is_there and made.version == record.version:
            replace_space_record(run.catalog, space.space, record.to_json())
        run.report.models[space.space] = record.version
        failed = run.catalog.column(
            "rejects", "source_id", equals("stage", embed_stage(record.version))
        )
        filling = open_filling(
            run.catalog,
            space.space,
            record.to_json(),
            run.settings.home_path / "fills" / space.space,
            failed=failed.to_pylist(),
        )
        with filling, stage(run.report, f"embed {space.space}", filling.total) as step:
            rejected: Counter[str] = Counter()
            for part in _vectors(run, filling, space):
                filling.keep(part.vectors.image_ids, part.vectors.values)
                filling.skip(part.rejected)
                filling.commit()
                rejected.update(f"not embedded: {reason}" for reason in part.rejected.values())
                run.report.newly_rejected += part.newly_rejected
                step.advance(len(part.vectors.image_ids) + len(part.rejected))
            filling.finish()
        run.report.notices |= Counter(run.report.notices) + rejected


def tell_absent(run: Run) -> None:
    """Say how many photos have no place in a space yet, as they are not in `cars`."""
    absent = run.catalog.count("images") - run.catalog.count("cars")
    if absent > 0:
        run.report.messages.append(
            f"{counted(absent, 'photo')} of the catalog cannot be searched yet and took no part; "
            "`marque embed` brings in those that wait"
        )


def _vectors(run: Run, filling: Filling, space: SpaceSpec) -> Iterator[ShardVectors]:
    some = next(filling.waiting(SAMPLED), [])
    if not some:
        return
    config = choose_config(run.settings, run.catalog, some, space)
    run.report.models[f"{space.space}, run as"] = str(config)
    calls = (
        (run.settings, config, shard, run.run_id, space)
        for shard in filling.waiting(run.settings.shard_size)
    )
    with kept_engine(run.settings, config, space):
        yield from overlapped(embed_into, calls)


def _fill_again(run: Run) -> None:
    """Fill the spaces that the catalog has beside `semantic` for photos that came in since.

    One whose model is no longer here, or is another one now, stays as it is, and the report says
    so: the photos can be found without it.
    """
    for name in space_records(run.catalog.table("cars").schema):
        # Read anew for each: another run may have replaced the column meanwhile.
        stored = space_records(run.catalog.table("cars").schema).get(name)
        if stored is None or name == SPACE:
            continue
        made = SpaceRecord.from_json(stored)
        if not unembedded_images(run.catalog, name, made.version)[1]:
            continue
        try:
            found = encoder_for(run.settings, made.space_spec).record.version
        except ModelError as error:
            run.report.messages.append(f"space {name!r} was not filled: {error}")
            continue
        if found == made.version:
            fill_spaces(run, [made.space_spec])
        else:
            run.report.messages.append(
                f"space {name!r} was not filled: its vectors are of {made.version}, and what is "
                f"here now is {found}; `marque embed --space {name}` fills all of it anew"
            )


def publish_pending(run: Run, *, allow_loss: bool = False) -> None:
    """Refresh rows whose labels changed, keep the indexes up, check, and publish.

    `allow_loss` is for a run that was asked to take photos or labels away: without it one that
    would lose many of them to searches fails.
    """
    waiting = stale_cars(run.catalog)
    entered = len(unpublished(run.catalog, "evidence", "labelled_with", VECTORS) - {*waiting})
    found = DisagreementCounts()
    with stage(run.report, "publish", len(waiting) + entered) as step:
        for shard in shards(waiting, run.settings.shard_size * REFRESH_SHARDS):
            part = refresh_shard(run.settings, shard)
            found.add(part)
            step.advance(part.photos)
        maintain_indexes(run.catalog, index_from=run.settings.exact_rows)
        max_loss = 1.0 if allow_loss else run.settings.publish_max_loss
        done = publish(run.catalog, max_loss=max_loss)
        step.advance(entered)
        grace = timedelta(days=run.settings.keep_days)
        cleaned = clean_up(run.catalog, grace, since=run.report.versions_before)
        step.stage.counts |= {name: n for name, n in cleaned.to_dict().items() if n}
    run.report.add_differences(found)
    run.report.published = {"version": done.version, "photos": done.photos}
    if done.waiting:
        run.report.messages.append(
            f"searches show {counted(done.waiting, 'photo')} without labels that another run has "
            "just added; that run, or the next one, publishes them"
        )
