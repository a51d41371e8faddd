"""The embed stage over one shard.

torch is imported where a model is loaded, not with this module: a flow that embeds nothing does
not wait for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from catalog.cars import Vectors, append_cars, replace_vectors
from catalog.pending import embed_stage
from catalog.register import store_rejects
from catalog.stored import load_photos
from catalog.table import Catalog
from crawlers.records import Drop
from embeddings.registry import SPACE
from flows.opening import encoder_for
from flows.settings import Settings
from labeling.label import current_labels


@dataclass(frozen=True, slots=True)
class EmbeddedShard:
    """How many photos of a shard were written, and why the others were not."""

    photos: int
    rejected: tuple[str, ...]


def embed_shard(
    settings: Settings, catalog: Catalog, image_ids: Sequence[str], run_id: str, *, replace: bool
) -> EmbeddedShard:
    """Embed these photos and write them to `cars` in one commit.

    With `replace` they are in `cars` and get new vectors; else they enter it, complete. A photo
    that cannot be embedded goes to `rejects`, the others go on.
    """
    from embeddings.engine import Job, embed_photos

    encoder = encoder_for(settings)
    version = encoder.record.version
    jobs = (Job(*photo) for photo in load_photos(catalog, image_ids))
    ids: list[str] = []
    parts = [np.empty((0, encoder.record.size), np.float32)]
    drops: list[Drop] = []
    for batch in embed_photos(
        encoder, jobs, batch_size=settings.batch_size, workers=settings.workers
    ):
        if batch.image_ids:
            ids += batch.image_ids
            parts.append(batch.vectors)
        drops += [Drop("images", key, why.reason, why.detail) for key, why in batch.failed]
    vectors = Vectors(SPACE, version, ids, np.concatenate(parts))
    if replace:
        replace_vectors(catalog, vectors)
    else:
        append_cars(catalog, vectors, partial(current_labels, catalog))
    store_rejects(catalog, drops, stage=embed_stage(version), run_id=run_id)
    return EmbeddedShard(len(ids), tuple(drop.reason for drop in drops))
