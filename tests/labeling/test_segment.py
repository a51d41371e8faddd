"""Segmentation: what a network says, by the engine, and what of it the catalog keeps."""

import io
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from torch import nn

from catalog.photos import load_photos
from catalog.register import register
from catalog.segments import load_segments, segment_stage, unsegmented
from catalog.table import Catalog, open_catalog
from core.photos.decode import image_id
from core.photos.file_types import TRUNCATED
from core.records import Box, Photo, Sighting
from embeddings.engine import Engine, Job, embed_photos
from embeddings.forward import MODEL_FAILED, NO_COINCIDENCE, UNUSABLE, ForwardPass
from embeddings.measure import measure, tuning_key, with_decoding
from embeddings.registry import ModelError
from embeddings.tuning import Overrides, RunConfig
from labeling import masks
from labeling.classmap import ClassMap, car_mask
from labeling.segment import Network, Segmenter, load_segmenter, segment_photo, segment_photos
from labeling.segmenter_weights import published_weights
from labeling.segmenters import segmenter_record
from synthetic.scenes import render
from synthetic.scenes.write import jpeg_bytes
from tests.labeling.segmenting import NAME, save_network

SIDE = 96
WAY = RunConfig(batch_size=4, workers=2)
Hook = Callable[[torch.Tensor], torch.Tensor]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Segmenter:
    """torchvision's network with random weights, at its own size."""
    return load_segmenter(NAME, save_network(tmp_path_factory.mktemp("weights") / "a.pth"), "cpu")


def at_side(segmenter: Segmenter, model: nn.Module, side: int = SIDE) -> Segmenter:
    preparation = replace(segmenter.preparation, height=side, width=side)
    network = Network(segmenter_record(NAME), model, segmenter.classes, preparation)
    return Segmenter(network, f"{segmenter.version}, {side} px", "cpu")


@pytest.fixture(scope="module")
def small(full: Segmenter) -> Segmenter:
    """The same network that sees less, which is faster."""
    return at_side(full, full._model)


@pytest.fixture(scope="module")
def scenes() -> list[bytes]:
    return [jpeg_bytes(render(seed, (200, 140))) for seed in range(900, 910)]


class Fragile(nn.Module):
    """A network behind a layer that does not stand every picture."""

    def __init__(self, network: nn.Module, before: Hook) -> None:
        super().__init__()
        self.network = network
        self.before = before

    def forward(self, pictures: torch.Tensor) -> Any:
        return self.network(self.before(pictures))


def fragile(segmenter: Segmenter, before: Hook) -> Segmenter:
    return at_side(segmenter, Fragile(segmenter._model, before))


def pictures_of(segmenter: Segmenter, scenes: list[bytes]) -> np.ndarray:
    return np.stack([segmenter.preparation.picture(each) for each in scenes])


def marked(segmenter: Segmenter, scenes: list[bytes], *at: int) -> np.ndarray:
    """The scenes as the network sees them, those `at` with a corner that is white."""
    pictures = pictures_of(segmenter, scenes)
    pictures[:, 0, 0] = 0
    pictures[list(at), 0, 0] = 255
    return pictures


def raises_at_mark(pictures: torch.Tensor) -> torch.Tensor:
    if (pictures[:, 0, 0, 0] > 0).any():
        raise RuntimeError("this network does not take white corners")
    return pictures


def nan_at_mark(pictures: torch.Tensor) -> torch.Tensor:
    return torch.where((pictures[:, 0, 0, 0] > 0)[:, None, None, None], torch.nan, pictures)


def test_every_pixel_has_the_likeliest_class_and_its_probability(
    full: Segmenter, scenes: list[bytes]
) -> None:
    preset = published_weights(NAME).transforms()
    with Image.open(io.BytesIO(scenes[0])) as image:
        wide = image.convert("RGB").resize((520, 364), Image.Resampling.BILINEAR)
    square = Image.new("RGB", (520, 520), full.preparation.fill)
    square.paste(wide, (0, 78))
    (picture,) = pictures_of(full, scenes[:1])
    assert np.array_equal(picture, np.asarray(square))
    with torch.inference_mode():
        scores = full._model(preset(square)[None])["out"][0]
    expected, numbers = scores.softmax(0).max(0)
    ((said, likely),) = full.encode_images(picture[None])
    assert np.count_nonzero(np.bincount(said.ravel())) > 5
    close = (scores.topk(2, dim=0).values.diff(dim=0)[0] > -1e-3).numpy()  # either may win
    assert np.array_equal(said[~close], numbers.numpy()[~close])
    assert np.abs(likely - 255 * expected.numpy()).max() < 0.51


def test_what_is_around_a_photo_is_nothing_to_the_network(full: Segmenter) -> None:
    fill = np.full((1, 520, 520, 3), full.preparation.fill, np.uint8)
    assert full._values(fill).abs().max() < 0.01
    assert full.classes[:3] == ("__background__", "aeroplane", "bicycle")
    assert len(full.classes) == 21
    assert not full.is_tryout


def test_half_precision_and_layout_change_little(small: Segmenter, scenes: list[bytes]) -> None:
    pictures = pictures_of(small, scenes)
    numbers, likely = small.encode_images(pictures).swapaxes(0, 1)
    half = small.in_dtype("bf16")
    assert half is not small
    assert small.in_dtype("fp32") is small
    assert half.version == small.version
    assert half.in_dtype("bf16") is half
    same = half.encode_images(pictures)[:, 0] == numbers
    assert same[likely > 178].mean() > 0.95
    small._model.to(memory_format=torch.contiguous_format)
    try:
        again = small.encode_images(pictures)
    finally:
        small._model.to(memory_format=torch.channels_last)
    assert (again[:, 0] == numbers).mean() > 0.999
    assert np.abs(again[:, 1].astype(int) - likely).max() <= 2


@pytest.mark.parametrize(
    ("hook", "reason"), [(raises_at_mark, MODEL_FAILED), (nan_at_mark, UNUSABLE)]
)
@pytest.mark.parametrize("at", [(0,), (2, 3), (0, 5, 9)])
def test_the_photo_that_fails_is_found_and_the_others_go_on(
    small: Segmenter, scenes: list[bytes], hook: Hook, reason: str, at: tuple[int, ...]
) -> None:
    pictures = marked(small, scenes, *at)
    done = ForwardPass(fragile(small, hook)).run(list(pictures))
    for position, each in enumerate(done):
        if position in at:
            assert getattr(each, "reason", None) == reason
        else:
            (expected,) = small.encode_images(pictures[position][None])
            assert isinstance(each, np.ndarray)
            assert np.abs(each[1].astype(int) - expected[1]).max() <= 2


def test_one_pixel_that_is_not_finite_makes_a_mask_unusable(
    small: Segmenter, scenes: list[bytes]
) -> None:
    scores = torch.zeros((4, 21, 8, 8))
    scores[1, 3, 5, 5], scores[2, :, 0, 7], scores[3, 20, 2, 2] = torch.nan, -torch.inf, torch.inf

    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            return scores

    outputs = at_side(small, Fixed()).encode_images(pictures_of(small, scenes[:4]))
    assert small.are_sound(outputs).tolist() == [True, False, False, False]
    assert set(np.unique(outputs[0, 1])) == {12}  # all 21 classes alike


def test_a_batch_too_large_for_the_memory_is_cut(small: Segmenter, scenes: list[bytes]) -> None:
    tried: list[int] = []

    def at_most_three(pictures: torch.Tensor) -> torch.Tensor:
        tried.append(len(pictures))
        if len(pictures) > 3:
            raise torch.OutOfMemoryError
        return pictures

    pictures = list(pictures_of(small, scenes))
    done = ForwardPass(fragile(small, at_most_three)).run(pictures)
    assert all(isinstance(each, np.ndarray) for each in done)
    assert tried == [10, *[5, 2, 2, 1], *[2, 2, 1]]  # what fits is remembered


def test_a_network_that_never_works_rejects_no_photo(small: Segmenter, scenes: list[bytes]) -> None:
    def broken(pictures: torch.Tensor) -> torch.Tensor:
        return pictures * torch.nan

    for count in (1, NO_COINCIDENCE):
        with pytest.raises(ModelError, match="no photo was rejected"):
            ForwardPass(fragile(small, broken)).run(list(pictures_of(small, scenes[:count])))


def test_the_engine_gives_masks_in_order_with_what_failed(
    small: Segmenter, scenes: list[bytes]
) -> None:
    jobs = [Job(str(at), each) for at, each in enumerate(scenes)]
    jobs[3] = Job("half", scenes[3][: len(scenes[3]) // 2])
    batches = list(embed_photos(small, jobs, batch_size=4))
    assert [key for batch in batches for key in batch.image_ids] == list("012456789")
    assert [(key, why.reason) for batch in batches for key, why in batch.failed] == [
        ("half", TRUNCATED)
    ]
    outputs = np.concatenate([batch.outputs for batch in batches])
    expected = small.encode_images(pictures_of(small, scenes[:3] + scenes[4:]))
    assert outputs.dtype == np.uint8
    assert outputs.shape == (9, 2, SIDE, SIDE)
    assert np.abs(outputs[:, 1].astype(int) - expected[:, 1]).max() <= 2


def test_it_can_be_measured_as_an_encoder_is(small: Segmenter, scenes: list[bytes]) -> None:
    given = Overrides(threads=1, batch_size=2, workers=1)
    found = measure(small, given, seconds=1)
    assert found.model == small.version == tuning_key(small, given).model
    assert {found.config.dtype, "fp32", "bf16"} == {"fp32", "bf16"}
    sample = [(scenes[0], None), (scenes[1], Box(5, 5, 90, 90))]
    assert with_decoding(found, small, given, sample).config.decoders == "threads"


@pytest.fixture
def catalog(tmp_path: Path, scenes: list[bytes]) -> Catalog:
    """Ten scenes, some with the box of a car, and a photo whose bytes were damaged since."""
    catalog = open_catalog(tmp_path / "catalog")
    boxes = [Box(20, 20, 120, 100) if at % 2 else None for at in range(len(scenes))]
    photos = [
        Photo(Sighting("shop", str(at), {}, box=box), each)
        for at, (each, box) in enumerate(zip(scenes, boxes, strict=True))
    ]
    register(catalog, photos, run_id="r")
    cut = scenes[0][:2000]
    broken = [{"image_id": image_id(cut), "content": cut, "width": 200, "height": 140,
               "bytes": 2000}]  # fmt: skip
    schema = catalog.specs["images"].schema
    catalog.insert("images", pa.Table.from_pylist(broken, schema))
    return catalog


@pytest.fixture
def engine(small: Segmenter) -> Iterator[Engine]:
    with closing(Engine(small, WAY)) as engine:
        yield engine


def test_photos_become_class_maps_of_the_whole_photo(
    catalog: Catalog, small: Segmenter, engine: Engine, scenes: list[bytes]
) -> None:
    ids = catalog.column("images", "image_id").to_pylist()
    before = catalog.versions()["segments"]
    done = segment_photos(catalog, small, engine, ids, "run")
    assert (done.photos, done.rejected) == (len(scenes), (TRUNCATED,))
    assert catalog.versions()["segments"] == before + 1
    rows = load_segments(catalog, ids)
    found: set[str] = set()
    assert set(rows) == {image_id(each) for each in scenes}
    for content in scenes:
        row = rows[image_id(content)]
        assert (row.version, row.classes) == (small.version, small.classes)
        stored = ClassMap.from_png(row.class_map, row.classes)
        assert stored.numbers.shape == (67, SIDE)  # 200 x 140
        alone = segment_photo(small, content)
        assert alone.numbers.shape == (140, 200)
        assert (stored.resized((200, 140)).numbers == alone.numbers).mean() > 0.99
        found.update(part.label for part in stored.parts())
    assert len(found) > 3


def test_what_cannot_be_segmented_is_kept_with_its_reason_and_not_tried_again(
    catalog: Catalog, small: Segmenter, scenes: list[bytes]
) -> None:
    ids = catalog.column("images", "image_id").to_pylist()
    (dark, *_) = sorted(
        scenes, key=lambda each: float(small._values(pictures_of(small, [each])).mean())
    )
    limit = float(small._values(pictures_of(small, [dark])).mean())

    def not_the_darkest(pictures: torch.Tensor) -> torch.Tensor:
        if (pictures.mean(dim=(1, 2, 3)) <= limit + 1e-5).any():
            raise RuntimeError("too dark")
        return pictures

    segmenter = fragile(small, not_the_darkest)
    with closing(Engine(segmenter, WAY)) as engine:
        done = segment_photos(catalog, segmenter, engine, ids, "run")
    assert done.photos == len(scenes) - 1
    assert sorted(done.rejected) == sorted([TRUNCATED, MODEL_FAILED])
    columns = ["source_id", "stage", "reason", "run_id"]
    rejects = [row for batch in catalog.read("rejects", columns) for row in batch.to_pylist()]
    assert {row["source_id"]: row["reason"] for row in rejects} == {
        image_id(scenes[0][:2000]): TRUNCATED,
        image_id(dark): MODEL_FAILED,
    }
    assert {row["stage"] for row in rejects} == {segment_stage(segmenter.version)}
    assert unsegmented(catalog, ids, segmenter.version) == []
    assert set(unsegmented(catalog, ids, "another@0")) == set(ids)


def test_a_network_that_does_not_work_writes_nothing(
    catalog: Catalog, small: Segmenter, scenes: list[bytes]
) -> None:
    ids = [key for key, _, _ in load_photos(catalog, [image_id(each) for each in scenes])]
    before = catalog.versions()
    segmenter = fragile(small, lambda pictures: pictures * torch.nan)
    with closing(Engine(segmenter, WAY)) as engine, pytest.raises(ModelError):
        segment_photos(catalog, segmenter, engine, ids, "run")
    assert catalog.versions() == before


def test_the_network_of_the_project_finds_rendered_cars() -> None:
    tiny = load_segmenter(masks.MASK_MODEL, None, "cpu")
    assert tiny.is_tryout
    assert tiny.classes == masks.CLASSES
    overlaps = []
    for seed in range(40_000, 40_024):
        scene = render(seed, view="exterior", people=())
        found = car_mask(segment_photo(tiny, jpeg_bytes(scene)))
        overlaps.append((found & scene.mask).sum() / (found | scene.mask).sum())
    assert np.mean(overlaps) > 0.75
