"""A renderer of car scenes with exact labels, boxes and masks, from nothing but a seed.

The demo, the tests and the training of the small models use it in place of photos.
"""

from synthetic.scenes.painter import SIZE, render
from synthetic.scenes.people import Person
from synthetic.scenes.scene import (
    BACKGROUNDS,
    BODY_TYPES,
    COLORS,
    VIEWS,
    Choices,
    Labels,
    Scene,
    draw_labels,
)
from synthetic.scenes.write import LABEL_COLUMNS, WrittenScenes, write_scenes

__all__ = [
    "BACKGROUNDS", "BODY_TYPES", "COLORS", "LABEL_COLUMNS", "SIZE", "VIEWS", "Choices", "Labels",
    "Person", "Scene", "WrittenScenes", "draw_labels", "render", "write_scenes",
]  # fmt: skip
