import json
import shutil
from pathlib import Path

import pytest

from embeddings.tiny import CONFIG_DIR, TINY, TINY_WEIGHTS
from synthetic.scenes import render
from synthetic.scenes.write import jpeg_bytes


@pytest.fixture(scope="session")
def scenes() -> list[bytes]:
    return [jpeg_bytes(render(seed)) for seed in range(700, 712)]


@pytest.fixture
def tiny_folder(tmp_path: Path) -> Path:
    """The weights of marque-tiny as a folder that open_clip's `local-dir:` takes."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    config = json.loads((CONFIG_DIR / f"{TINY}.json").read_text())
    document = {"model_cfg": config, "preprocess_cfg": {}}
    (folder / "open_clip_config.json").write_text(json.dumps(document))
    shutil.copy(TINY_WEIGHTS, folder / "open_clip_model.safetensors")
    return folder
