"""The embed stage without Prefect: how the model is run, and photos that it does not manage."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from catalog.car_columns import open_space
from catalog.photos import load_photos
from catalog.register import register
from catalog.table import Catalog
from core.records import Photo, Sighting
from embeddings.engine import Engine
from embeddings.forward import MODEL_FAILED
from embeddings.measure import default_config, tuning_key
from embeddings.registry import SPACE, TINY, ModelError
from embeddings.tuning import Overrides, RunConfig, Tuning, load_tunings, store_tuning
from flows.resources import catalog_at, encoder_for
from flows.settings import Settings
from flows.stages import embed as embedding
from flows.stages import pipeline as stages
from flows.stages.embed import choose_config, embed_shard
from flows.stages.tasks import shard_task
from labeling.label import label_sightings
from labeling.pending import embed_stage, unembedded_images, unlabeled_sightings
from synthetic.scenes import render
from synthetic.scenes.write import jpeg_bytes
from tests.embeddings.test_forward import Hook, fragile

PHOTOS = 9
WAY = RunConfig(batch_size=4)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, semantic_model=TINY, device="cpu")


@pytest.fixture
def catalog(settings: Settings) -> Catalog:
    catalog = catalog_at(settings)
    contents = [jpeg_bytes(render(seed, (160, 128))) for seed in range(PHOTOS)]
    photos = [Photo(Sighting("shop", str(at), {}), each) for at, each in enumerate(contents)]
    register(catalog, photos, run_id="r")
    label_sightings(catalog, unlabeled_sightings(catalog), run_id="r")
    record = encoder_for(settings).record
    open_space(catalog, SPACE, record.size, record.to_json())
    return catalog


def waiting(settings: Settings, catalog: Catalog) -> list[str]:
    return unembedded_images(catalog, SPACE, encoder_for(settings).record.version)[0]


@pytest.fixture
def run_with(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[object]:
    """Let the stage run marque-tiny behind a layer that fails for some photos."""
    engines: list[Engine] = []

    def use(before: Hook) -> None:
        engines.append(Engine(fragile(encoder_for(settings), before), WAY))
        monkeypatch.setattr(embedding, "engine_for", lambda *_given: engines[-1])

    yield use
    for engine in engines:
        engine.close()


def brightness(pictures: torch.Tensor) -> torch.Tensor:
    return pictures.mean(dim=(1, 2, 3))


def test_a_photo_that_the_model_fails_on_is_rejected_and_the_others_are_written(
    settings: Settings, catalog: Catalog, run_with: object
) -> None:
    ids = waiting(settings, catalog)
    encoder = encoder_for(settings)
    values: dict[str, float] = {}

    def look(pictures: torch.Tensor) -> torch.Tensor:
        found.extend(brightness(pictures).tolist())
        return pictures

    found: list[float] = []
    for key, content, _ in load_photos(catalog, ids):
        found.clear()
        fragile(encoder, look).encode_pictures([content])
        values[key] = found[0]
    (worst, limit), *_ = sorted(values.items(), key=lambda each: -each[1])

    def not_the_brightest(pictures: torch.Tensor) -> torch.Tensor:
        if (brightness(pictures) >= limit - 1e-6).any():
            raise RuntimeError("index out of range in self")
        return pictures

    run_with(not_the_brightest)  # type: ignore[operator]
    done = embed_shard(settings, WAY, catalog, ids, "run", replace=False)
    assert done.photos == PHOTOS - 1
    assert done.rejected == (MODEL_FAILED,)
    assert set(catalog.column("cars", "image_id").to_pylist()) == set(ids) - {worst}
    columns = ["source_id", "stage", "reason", "detail"]
    (reject,) = [row for batch in catalog.read("rejects", columns) for row in batch.to_pylist()]
    assert reject == {
        "source_id": worst,
        "stage": embed_stage(encoder.record.version),
        "reason": MODEL_FAILED,
        "detail": "RuntimeError: index out of range in self",
    }
    assert waiting(settings, catalog) == []  # it is not tried again with this model


def test_a_model_that_fails_on_everything_rejects_nothing(
    settings: Settings, catalog: Catalog, run_with: object
) -> None:
    ids = waiting(settings, catalog)
    run_with(lambda pictures: pictures * torch.nan)  # type: ignore[operator]
    with pytest.raises(ModelError, match="no photo was rejected"):
        embed_shard(settings, WAY, catalog, ids, "run", replace=False)
    assert catalog.count("rejects") == catalog.count("cars") == 0
    assert waiting(settings, catalog) == ids


def test_few_photos_are_embedded_in_the_usual_way(settings: Settings, catalog: Catalog) -> None:
    ids = waiting(settings, catalog)
    assert choose_config(settings, catalog, ids) == default_config(Overrides())
    fixed = settings.model_copy(update={"batch_size": 7, "precision": "bf16", "threads": 1})
    assert choose_config(fixed, catalog, ids) == RunConfig(
        "bf16", threads=1, batch_size=7, workers=2
    )
    assert load_tunings(settings.home_path) == []


def test_many_photos_are_worth_measuring_once(
    settings: Settings, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = waiting(settings, catalog)
    monkeypatch.setattr(embedding, "MEASURE_FROM", PHOTOS)
    key = tuning_key(encoder_for(settings), Overrides())
    known = Tuning(key.model, "cpu", RunConfig("bf16", 1, 5, "threads", 2), {"x": 1.0}, "x", "2026")
    store_tuning(settings.home_path, key, known)
    assert choose_config(settings, catalog, ids) == known.config
    (kept,) = load_tunings(settings.home_path)
    assert kept.why == "x"
    assert any("decode" in name for name in kept.rates)


def test_the_stage_runs_in_any_way(settings: Settings, catalog: Catalog) -> None:
    ids = waiting(settings, catalog)
    config = RunConfig("bf16", threads=1, batch_size=2, decoders="processes", workers=1)
    with embedding.kept_engine(settings, config):
        done = embed_shard(settings, config, catalog, ids, "run", replace=False)
    assert done.photos == catalog.count("cars") == PHOTOS
    assert embedding.engine_for.cache_info().currsize == 0


def test_no_process_is_started_for_few_photos(settings: Settings, catalog: Catalog) -> None:
    key = tuning_key(encoder_for(settings), Overrides())
    known = Tuning(
        key.model, "cpu", RunConfig("bf16", 1, 5, "processes", 2), {"x": 1.0}, "x", "2026"
    )
    store_tuning(settings.home_path, key, known)
    config = choose_config(settings, catalog, waiting(settings, catalog))
    assert config == replace(known.config, decoders="threads")


def test_the_engine_is_closed_after_the_last_shard_that_uses_it(
    settings: Settings, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where another shard failed: one that finds it closed would make a new one."""
    failed = threading.Event()

    def work(settings: Settings, config: RunConfig, ids: Any, run_id: str, *rest: Any) -> Any:
        if not failed.is_set():
            failed.set()
            raise ModelError("the first fails")
        time.sleep(0.5)
        return embed_shard(settings, config, catalog, ids, run_id, replace=rest[0])

    settings = settings.model_copy(update={"shard_size": PHOTOS // 2})
    run = SimpleNamespace(
        settings=settings, catalog=catalog, run_id="r", report=SimpleNamespace(models={})
    )
    monkeypatch.setattr(stages, "embed_images", shard_task("embed")(work))
    with pytest.raises(ModelError, match="the first fails"):
        list(stages._embedded(run, waiting(settings, catalog), []))  # type: ignore[arg-type]
    assert catalog.count("cars") == PHOTOS // 2
    assert embedding.engine_for.cache_info().currsize == 0
