"""marque-mask-tiny: the project's own small mask network, for trying out on rendered scenes.

`network.load_network()` loads it as a torch module, from letterboxed pictures, normalized by `MEAN`
and `STD`, to logits of `CLASSES`. The names in this file need no torch.
"""

from pathlib import Path

MASK_MODEL = "marque-mask-tiny"
MASK_WEIGHTS = Path(__file__).resolve().parent / f"{MASK_MODEL}.safetensors"
CLASSES = ("background", "car")
SIDE = 128
"""Pixels of the letterboxed square that it was trained on."""

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""The mean and the standard deviation of each channel, red first, on a scale of 0 to 1. They are
those of torchvision's models, so that pictures are prepared alike."""
