"""Settings -> the catalog and the encoder that they name; no Prefect, and torch only on need."""

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from catalog.table import Catalog, open_catalog
from core.vocabulary import load_vocabulary
from embeddings.known import load_known, store_known
from embeddings.registry import (
    SPACE,
    TRAINED,
    ModelError,
    ModelSpec,
    SpaceRecord,
    SpaceSpec,
)
from flows.settings import Settings

if TYPE_CHECKING:
    from embeddings.clip import ClipEncoder
    from embeddings.encoders import Encoder
    from labeling.segment import Segmenter


TRAINED_FOLDER = "trained"
"""The folder of the home in which trained networks lie, each in a folder of its own."""


def catalog_at(settings: Settings, *, create: bool = True) -> Catalog:
    """Open the catalog of these settings, with their vocabulary; raises `CatalogError`."""
    vocabulary = load_vocabulary(settings.vocabulary)
    options = settings.storage_options
    return open_catalog(
        settings.catalog_uri,
        vocabulary=vocabulary,
        create=create,
        storage_options=options.to_dict() if options else None,
    )


def encoder_for(settings: Settings, space: SpaceSpec | None = None) -> "Encoder":
    """The encoder of a space, by default `semantic` as the settings have it; raises `ModelError`.

    Where no precision is set it computes in fp32, as nothing is gained for a question. torch is
    imported here and not with the module: what embeds nothing does not wait for it.
    """
    from embeddings.encoders import load_space

    precision = settings.overrides.dtype or "fp32"
    wanted = SpaceSpec(SPACE, settings.model) if space is None else _here(settings, space)
    return load_space(wanted, settings.device, precision)


def _here(settings: Settings, space: SpaceSpec) -> SpaceSpec:
    """The space with its trained network where this home has it, if it is gone from where it was
    trained: homes move, and another machine may have trained it."""
    model = space.model
    if model.name.startswith(TRAINED) and not model.is_there:
        own = settings.home_path / TRAINED_FOLDER / model.short_name
        if own.is_dir():
            return replace(space, model=ModelSpec(f"{TRAINED}{own}"))
    return space


def text_encoder_for(settings: Settings, space: SpaceSpec) -> "ClipEncoder":
    """The encoder of a space whose model reads texts; raises `ModelError` for another one."""
    from embeddings.clip import ClipEncoder

    encoder = encoder_for(settings, space)
    if not isinstance(encoder, ClipEncoder):
        raise ModelError(
            f"{space.model.name} reads no text, so it says nothing without being taught; "
            "`marque train heads` trains it on known labels"
        )
    return encoder


def record_for(settings: Settings) -> SpaceRecord:
    """The record of the model of the settings; raises `ModelError`.

    The model is loaded where it was not before on this machine, or its files have changed.
    """
    known = load_known(settings.home_path, settings.model)
    if known is not None:
        return known
    record = encoder_for(settings).record
    with suppress(OSError):  # all it costs is to load it again
        store_known(settings.home_path, record)
    return record


def segmenter_for(settings: Settings) -> "Segmenter":
    """The segmentation network of these settings; raises `ModelError`."""
    from labeling.segment import load_segmenter

    precision = settings.overrides.dtype or "fp32"
    weights = settings.segmenter_weights
    file = None if weights is None else weights.expanduser().resolve()
    return load_segmenter(settings.segmenter, file, settings.device, precision)
