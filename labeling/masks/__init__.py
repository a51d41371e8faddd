"""marque-mask-tiny: the project's own small mask network, for trying out on rendered scenes.

`network.load_network()` gives it as a torch module: letterboxed pictures in, normalized by `MEAN`
and `STD`, logits of `CLASSES` out. What is named here needs no torch.
"""

from pathlib import Path

NAME = "marque-mask-tiny"
WEIGHTS = Path(__file__).resolve().parent / f"{NAME}.safetensors"
CLASSES = ("background", "car")
SIDE = 128
"""Pixels of the letterboxed square that it was trained on."""

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Of each channel, red first, what is taken from it and what it is then divided by, on a scale of
0 to 1: the numbers of torchvision's models, so that both are fed alike."""
