"""Preparing photos: the same pixels as open_clip's own transform, and less of a JPEG decoded."""

import io
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import open_clip
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from core.photos.decode import RejectedError, decode
from core.photos.file_types import TRUNCATED
from core.records import Box
from embeddings.clip import ClipEncoder
from embeddings.preparation import LONGEST_STRIP, Preparation


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(values)


@settings(max_examples=60)
@given(
    size=st.sampled_from([48, (48, 48), (48, 64), (64, 48)]),
    mode=st.sampled_from(["shortest", "longest", "squash"]),
    interpolation=st.sampled_from(["bicubic", "bilinear"]),
    fill=st.sampled_from([0, 7]),
    width=st.integers(20, 300),
    height=st.integers(20, 300),
)
def test_pictures_are_those_of_open_clip(
    size: int | tuple[int, int], mode: str, interpolation: str, fill: int, width: int, height: int
) -> None:
    if max(width, height) > LONGEST_STRIP * min(width, height):
        return
    config = PreprocessCfg(
        size=size, resize_mode=mode, interpolation=interpolation, fill_color=fill
    )
    preparation, image = Preparation.of(asdict(config)), noise(width, height)
    expected = image_transform_v2(config, is_train=False)(image)
    values = torch.from_numpy(preparation.fit(image).copy()).permute(2, 0, 1).float().div(255)
    mean, std = (torch.tensor(each)[:, None, None] for each in (preparation.mean, preparation.std))
    assert torch.equal((values - mean) / std, expected)


def test_the_model_gets_the_same_values_to_the_last_bit(
    tiny_encoder: ClipEncoder, scenes: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[torch.Tensor] = []
    monkeypatch.setattr(
        tiny_encoder._model, "encode_image", lambda batch: got.append(batch) or batch[:, 0, 0]
    )
    tiny_encoder.encode_pictures(scenes)
    config = PreprocessCfg(**tiny_encoder._model.visual.preprocess_cfg)
    transform = image_transform_v2(config, is_train=False)
    assert torch.equal(got[0], torch.stack([transform(decode(each)) for each in scenes]))


@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("upright", [True, False])
def test_of_a_long_strip_the_middle_is_taken(mode: str, upright: bool) -> None:
    config = asdict(PreprocessCfg(size=64, resize_mode=mode))
    strip = noise(64, 30_000) if upright else noise(30_000, 64)
    picture = Preparation.of(config).fit(strip)
    assert picture.shape == (64, 64, 3)
    if mode == "shortest":
        x, y = ((length - 64) // 2 for length in strip.size)
        assert np.array_equal(picture, np.asarray(strip.crop((x, y, x + 64, y + 64))))


def large_photo(scene: bytes, size: tuple[int, int] = (1280, 960), seed: int = 0) -> Image.Image:
    """A scene drawn up, with the noise of a camera."""
    with Image.open(io.BytesIO(scene)) as image:
        large = np.asarray(image.convert("RGB").resize(size, Image.Resampling.BICUBIC), np.float32)
    noisy = large + np.random.default_rng(seed).normal(0, 6, large.shape)
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def jpeg(image: Image.Image, **more: object) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90, **more)
    return out.getvalue()


@pytest.mark.parametrize(
    ("box", "least"),
    # A box is cut at whole pixels of the smaller picture.
    [(None, 0.9995), (Box(100, 50, 1100, 910), 0.998), (Box(301, 203, 1003, 655), 0.994)],
)
def test_a_jpeg_decoded_smaller_gives_nearly_the_same_vector(
    tiny_encoder: ClipEncoder, scenes: list[bytes], box: Box | None, least: float
) -> None:
    # Seen on 24 real photos drawn up to this size: a cosine of 0.99988 at least, where different
    # photos have 0.94 at most. ViT-B-32-256 with random weights: 0.99999.
    large = [jpeg(large_photo(scene, seed=at)) for at, scene in enumerate(scenes)]
    prepare = tiny_encoder.preparation
    fast = np.stack([prepare.picture(each, box) for each in large])
    full = np.stack([prepare.fit(decode(each, box)) for each in large])
    same = np.sum(tiny_encoder.encode_images(fast) * tiny_encoder.encode_images(full), axis=1)
    assert not np.array_equal(fast, full)
    assert same.min() > least


def test_a_large_model_sees_nearly_the_same_too(scenes: list[bytes]) -> None:
    torch.manual_seed(0)
    model = open_clip.create_model("ViT-B-32-256").eval()
    prepare = Preparation.of(model.visual.preprocess_cfg)
    large = [jpeg(large_photo(scene)) for scene in scenes[:3]]
    pictures = [prepare.picture(each) for each in large]
    pictures += [prepare.fit(decode(each)) for each in large]
    values = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        vectors = model.encode_image(values, normalize=True)
    assert (vectors[:3] * vectors[3:]).sum(dim=1).min() > 0.999


ORIENTATIONS: dict[int, Callable[[Image.Image], Image.Image]] = {
    1: lambda image: image,
    2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
    4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    6: lambda image: image.transpose(Image.Transpose.ROTATE_90),
    7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    8: lambda image: image.transpose(Image.Transpose.ROTATE_270),
}


@settings(max_examples=40)
@given(
    width=st.integers(64, 700),
    height=st.integers(64, 700),
    side=st.integers(20, 200),
    orientation=st.sampled_from(list(ORIENTATIONS)),
    cut=st.tuples(*[st.floats(0, 1)] * 4) | st.none(),
)
def test_never_smaller_than_asked_for(
    width: int, height: int, side: int, orientation: int, cut: tuple[float, ...] | None
) -> None:
    """And the same part of the photo, whatever way round the file holds it."""
    columns, rows = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    shown = Image.fromarray(np.stack([columns, rows, columns], 2).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = jpeg(ORIENTATIONS[orientation](shown), exif=exif)
    box = None
    if cut:
        x0, x1 = sorted(round(each * (width - 1)) for each in cut[:2])
        y0, y1 = sorted(round(each * (height - 1)) for each in cut[2:])
        box = Box(x0, y0, x1 + 1, y1 + 1)
    full, small = decode(content, box), decode(content, box, side=side)
    assert min(small.size) >= min(side, *full.size)
    if min(full.size) >= 2 * side:
        assert min(small.size) < 2 * side + 4 or max(full.size) // max(small.size) >= 7
    # The ramps say where in the photo the picture's middle is, in steps of a 255th.
    middles = [np.asarray(each, float).mean(axis=(0, 1)) for each in (full, small)]
    reach = 255 * 8 / min(width, height)
    assert np.abs(middles[0] - middles[1]).max() < 3 + reach


def test_a_truncated_jpeg_is_rejected_when_decoded_smaller(scenes: list[bytes]) -> None:
    content = jpeg(large_photo(scenes[0]))
    with pytest.raises(RejectedError, match=TRUNCATED):
        decode(content[: len(content) // 2], side=96)


def test_other_formats_are_decoded_whole(scenes: list[bytes]) -> None:
    out = io.BytesIO()
    large_photo(scenes[0], (640, 480)).save(out, "PNG")
    assert decode(out.getvalue(), side=32).size == (640, 480)
