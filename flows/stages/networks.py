"""The label stage by networks: zero-shot and trained heads, on the vectors that are stored."""

from collections.abc import Sequence
from functools import partial

from catalog.car_columns import space_record, space_records
from catalog.table import Catalog
from embeddings.registry import SPACE, ModelError, SpaceRecord
from flows.reporting.progress import stage
from flows.reporting.sections import WHILE_EMBEDDING
from flows.resources import text_encoder_for
from flows.run import Run
from flows.stages.tasks import VECTOR_SHARDS, ask_shard, shards
from labeling.labelers import HEAD_PREFIX, load_labelers, retire_labeler, retire_others
from labeling.networks import PredictionCounts, load_vector_labelers
from labeling.pending import unasked_images
from labeling.prepare import LabelPolicy, prepare_zero_shot
from labeling.training import REAL_ONLY


def ask_networks(run: Run, *, again: bool = False, asked: PredictionCounts | None = None) -> None:
    """Let the networks say what they can about every photo that they were not asked about.

    `asked` is what they said of photos while these were embedded, which counts for this stage too.
    With `again` they are recalibrated first. Where the model is needed and cannot be loaded,
    photos are labeled as before, and the report says so.
    """
    record = made_vectors(run.catalog)
    if record is None:
        return
    wanted = labels_wanted(run, is_tryout=record.is_tryout)
    try:
        if record.reads_text:
            load = partial(text_encoder_for, run.settings, record.space_spec)
            prepare_zero_shot(run.catalog, record, load, wanted, run_id=run.run_id, again=again)
    except ModelError as error:
        run.report.messages.append(f"zero-shot labels could not be brought up to date: {error}")
    spaces = made_spaces(run.catalog)
    _retire_heads(run, [each.version for each in spaces], real_only=wanted.real_only)
    waiting: dict[SpaceRecord, list[str]] = {}
    in_use: set[tuple[str, str]] = set()
    for space in spaces:
        members = load_vector_labelers(run.catalog, space.version).members
        labelers = [labeler for labeler, _ in members]
        waiting[space] = unasked_images(run.catalog, space.space, labelers)
        in_use |= {(each.name, each.version) for each in labelers}
    done = PredictionCounts()
    # Of versions that were replaced since, all these photos wait again.
    before = asked.photos if asked and {*asked.versions.items()} <= in_use else 0
    with stage(run.report, "networks", before + sum(map(len, waiting.values()))) as step:
        if before:
            step.advance(before)
            step.stage.counts[WHILE_EMBEDDING] = before
        for space, ids in waiting.items():
            for shard in shards(ids, run.settings.shard_size * VECTOR_SHARDS):
                part = ask_shard(run.settings, space.space, space.version, shard, run.run_id)
                done.add(part)
                step.advance(part.photos)
    count_asked(run, done)


def count_asked(run: Run, asked: PredictionCounts) -> None:
    """Count what networks said, by the versions that are in use by now."""
    in_use = {each.name: each.version for each in load_labelers(run.catalog)}
    run.report.add_networks(asked, in_use)


def _retire_heads(run: Run, space_versions: Sequence[str], *, real_only: bool) -> None:
    """Take out of use what reads vectors of other models, and heads of a try-out model that have
    not learned from real photos, where there are some now."""
    gone = retire_others(run.catalog, *space_versions, run_id=run.run_id)
    for each in load_labelers(run.catalog):
        if real_only and each.name.startswith(HEAD_PREFIX) and not each.facts.get(REAL_ONLY):
            retire_labeler(run.catalog, each.name, run_id=run.run_id)
            gone.append(each.name)
    run.report.messages += [
        f"{name} learned from other vectors or photos than there are now, and is out of use; "
        "`marque train heads` trains it again"
        for name in gone
        if name.startswith(HEAD_PREFIX)
    ]


def labels_wanted(run: Run, *, is_tryout: bool) -> LabelPolicy:
    """The policy for labels of networks. Statements of a try-out model about real photos become
    labels only if they were measured on real photos."""
    return LabelPolicy(run.settings.label_precision, is_tryout and run.catalog.has_real_photos())


def made_vectors(catalog: Catalog) -> SpaceRecord | None:
    """The record of the model that made the newest vectors; None where there are none."""
    record = space_record(catalog.table("cars").schema, SPACE)
    return None if record is None else SpaceRecord.from_json(record)


def made_spaces(catalog: Catalog) -> list[SpaceRecord]:
    """The records of all spaces of the catalog, `semantic` first."""
    stored = space_records(catalog.table("cars").schema)
    found = [SpaceRecord.from_json(record) for record in stored.values()]
    return sorted(found, key=lambda each: each.space != SPACE)
