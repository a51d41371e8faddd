"""A renderer of car scenes with exact labels, boxes and masks, from nothing but a seed.

The demo, the tests and the training of the small models use it in place of photos.
"""

from synthetic.scenes.painter import SCENE_SIZE, render
from synthetic.scenes.people import Person
from synthetic.scenes.scene import (
    BACKGROUNDS,
    BODY_TYPES,
    SCENE_COLORS,
    VIEWS,
    Choices,
    Scene,
    SceneLabels,
    draw_labels,
)
from synthetic.scenes.write import LABEL_COLUMNS, WrittenScenes, write_scenes

__all__ = [
    "BACKGROUNDS",
    "BODY_TYPES",
    "LABEL_COLUMNS",
    "SCENE_COLORS",
    "SCENE_SIZE",
    "VIEWS",
    "Choices",
    "Person",
    "Scene",
    "SceneLabels",
    "WrittenScenes",
    "draw_labels",
    "render",
    "write_scenes",
]  # fmt: skip
