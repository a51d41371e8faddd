"""What happens to the others when a photo makes the model fail: a real network that really does."""

import copy
import weakref
from collections.abc import Callable

import numpy as np
import pytest
import torch

from embeddings.clip import ClipEncoder
from embeddings.engine import Job, embed_photos
from embeddings.forward import MODEL_FAILED, NO_COINCIDENCE, UNUSABLE, ForwardPass
from embeddings.preparation import Picture
from embeddings.registry import ModelError

Hook = Callable[[torch.Tensor], torch.Tensor]


class Fragile(torch.nn.Module):
    """The visual part of a model behind a layer that does not stand every picture."""

    def __init__(self, visual: torch.nn.Module, before: Hook) -> None:
        super().__init__()
        self.visual = visual
        self.before = before

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.visual(self.before(pictures))
        return found


def fragile(encoder: ClipEncoder, before: Hook) -> ClipEncoder:
    model = copy.copy(encoder._model)
    model._modules = dict(model._modules)
    visual = Fragile(model.visual, before)
    visual.preprocess_cfg = model.visual.preprocess_cfg
    model.visual = visual
    return ClipEncoder(model, None, encoder.record, "cpu")


def corner(pictures: torch.Tensor) -> torch.Tensor:
    return pictures[:, 0, 0, 0]


MARK = 255


def marked(encoder: ClipEncoder, count: int, *at: int) -> Picture:
    """Random pictures, those `at` with a corner that is white; the others' is black."""
    shape = (count, encoder.preparation.height, encoder.preparation.width, 3)
    pictures = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    pictures[:, 0, 0] = 0
    pictures[list(at), 0, 0] = MARK
    return pictures


def raises_at_mark(pictures: torch.Tensor) -> torch.Tensor:
    if (corner(pictures) > 0).any():
        raise RuntimeError("this network does not take white corners\nmore")
    return pictures


def nan_at_mark(pictures: torch.Tensor) -> torch.Tensor:
    return torch.where((corner(pictures) > 0)[:, None, None, None], torch.nan, pictures)


@pytest.mark.parametrize(
    ("hook", "reason"), [(raises_at_mark, MODEL_FAILED), (nan_at_mark, UNUSABLE)]
)
@pytest.mark.parametrize("at", [(0,), (6,), (2, 3), (0, 5, 6)])
def test_the_photo_that_fails_is_found_and_the_others_go_on(
    tiny_encoder: ClipEncoder, hook: Hook, reason: str, at: tuple[int, ...]
) -> None:
    pictures = marked(tiny_encoder, 7, *at)
    done = ForwardPass(fragile(tiny_encoder, hook)).run(pictures)
    expected = tiny_encoder.encode_images(pictures)
    for position, each in enumerate(done):
        if position in at:
            assert getattr(each, "reason", None) == reason
        else:
            assert np.allclose(each, expected[position], atol=1e-5)


def test_what_the_network_said_is_kept_in_a_line(tiny_encoder: ClipEncoder) -> None:
    failed = ForwardPass(fragile(tiny_encoder, raises_at_mark)).run(marked(tiny_encoder, 2, 1))[1]
    assert str(failed) == f"{MODEL_FAILED}: RuntimeError: this network does not take white corners"


def test_the_engine_gives_failed_photos_back_with_the_rest(
    tiny_encoder: ClipEncoder, scenes: list[bytes]
) -> None:
    dark = float(np.median([_mean(tiny_encoder, each) for each in scenes]))

    def no_bright_ones(pictures: torch.Tensor) -> torch.Tensor:
        if (pictures.mean(dim=(1, 2, 3)) > dark).any():
            raise ValueError("too bright")
        return pictures

    jobs = [Job(str(at), each) for at, each in enumerate(scenes)]
    bright = {str(at) for at, each in enumerate(scenes) if _mean(tiny_encoder, each) > dark}
    batches = list(embed_photos(fragile(tiny_encoder, no_bright_ones), jobs, batch_size=5))
    assert {key for batch in batches for key, _ in batch.failed} == bright
    good = [key for batch in batches for key in batch.image_ids]
    assert good == [job.image_id for job in jobs if job.image_id not in bright]
    vectors = np.concatenate([batch.outputs for batch in batches if batch.image_ids])
    expected = tiny_encoder.encode_pictures([scenes[int(key)] for key in good])
    assert np.allclose(vectors, expected, atol=1e-5)


def _mean(encoder: ClipEncoder, content: bytes) -> float:
    picture = torch.from_numpy(encoder.preparation.picture(content).copy())
    values = picture.permute(2, 0, 1)[None].float() / 255
    return float(((values - encoder._mean) / encoder._std).mean())


def fails(pictures: torch.Tensor) -> torch.Tensor:
    raise RuntimeError("no kernel for this device")


def gives_nan(pictures: torch.Tensor) -> torch.Tensor:
    return pictures * torch.nan


@pytest.mark.parametrize("hook", [fails, gives_nan])
@pytest.mark.parametrize("count", [1, 3, NO_COINCIDENCE])
def test_a_model_that_never_works_rejects_no_photo(
    tiny_encoder: ClipEncoder, hook: Hook, count: int
) -> None:
    with pytest.raises(ModelError, match="no photo was rejected"):
        ForwardPass(fragile(tiny_encoder, hook)).run(marked(tiny_encoder, count))


def test_a_first_batch_that_fails_as_a_whole_is_the_model(tiny_encoder: ClipEncoder) -> None:
    forward = ForwardPass(fragile(tiny_encoder, raises_at_mark))
    with pytest.raises(ModelError, match="white corners"):
        forward.run(marked(tiny_encoder, NO_COINCIDENCE, *range(NO_COINCIDENCE)))


def test_a_later_batch_that_fails_as_a_whole_is_the_photos(tiny_encoder: ClipEncoder) -> None:
    forward = ForwardPass(fragile(tiny_encoder, raises_at_mark))
    forward.run(marked(tiny_encoder, 3))
    every = range(NO_COINCIDENCE)
    done = forward.run(marked(tiny_encoder, NO_COINCIDENCE, *every))
    assert [getattr(each, "reason", None) for each in done] == [MODEL_FAILED for _ in every]


def test_a_model_that_stops_working_rejects_no_photo(tiny_encoder: ClipEncoder) -> None:
    broken = False

    def until_broken(pictures: torch.Tensor) -> torch.Tensor:
        if broken:
            raise RuntimeError("the device is gone")
        return pictures

    forward = ForwardPass(fragile(tiny_encoder, until_broken))
    forward.run(marked(tiny_encoder, 3))
    broken = True
    with pytest.raises(ModelError, match="the device is gone"):
        forward.run(marked(tiny_encoder, 3))


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, MemoryError])
def test_a_batch_too_large_for_the_memory_is_cut(
    tiny_encoder: ClipEncoder, error: type[Exception]
) -> None:
    tried: list[int] = []

    def at_most_three(pictures: torch.Tensor) -> torch.Tensor:
        tried.append(len(pictures))
        if len(pictures) > 3:
            raise error("out of memory")
        return pictures

    forward = ForwardPass(fragile(tiny_encoder, at_most_three))
    pictures = marked(tiny_encoder, 13)
    for _ in range(2):
        done = forward.run(pictures)
        assert np.allclose(done, tiny_encoder.encode_images(pictures), atol=1e-5)
    assert tried == [13, 6, *[3] * 4, 1, *[3] * 4, 1]  # what fits is remembered


def test_a_memory_too_small_for_one_photo_is_said(tiny_encoder: ClipEncoder) -> None:
    def never(pictures: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError

    with pytest.raises(ModelError, match="single photo"):
        ForwardPass(fragile(tiny_encoder, never)).run(marked(tiny_encoder, 4))


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, RuntimeError])
def test_a_failed_pass_holds_no_memory_while_a_smaller_one_is_tried(
    tiny_encoder: ClipEncoder, error: type[Exception]
) -> None:
    made: list[weakref.ref[torch.Tensor]] = []
    held: list[int] = []

    def at_most_three(pictures: torch.Tensor) -> torch.Tensor:
        held.append(sum(each() is not None for each in made))
        values = pictures + 1
        made.append(weakref.ref(values))
        if len(pictures) > 3:
            raise error("out of memory")
        return pictures

    ForwardPass(fragile(tiny_encoder, at_most_three)).run(marked(tiny_encoder, 13))
    assert len(held) > 5
    assert not any(held)
