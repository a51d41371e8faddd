import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from crawlers.scenes import render
from crawlers.scenes.write import jpeg_bytes
from embeddings.clip import ClipEncoder, load_encoder
from embeddings.registry import TINY, ModelSpec
from embeddings.tiny import CONFIG_DIR, NAME, WEIGHTS


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_encoder() -> ClipEncoder:
    return load_encoder(ModelSpec(TINY), "cpu")


@pytest.fixture(scope="session")
def scenes() -> list[bytes]:
    return [jpeg_bytes(render(seed)) for seed in range(700, 712)]


@pytest.fixture
def tiny_folder(tmp_path: Path) -> Path:
    """The weights of marque-tiny as a folder that open_clip's `local-dir:` takes."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    config = json.loads((CONFIG_DIR / f"{NAME}.json").read_text())
    document = {"model_cfg": config, "preprocess_cfg": {}}
    (folder / "open_clip_config.json").write_text(json.dumps(document))
    shutil.copy(WEIGHTS, folder / "open_clip_model.safetensors")
    return folder
