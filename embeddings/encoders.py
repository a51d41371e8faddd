"""The encoder of any space: a model of open_clip, or an image network.

Importing this module imports no torch; loading a space does.
"""

from typing import TYPE_CHECKING, Union

from embeddings.registry import SpaceSpec

if TYPE_CHECKING:
    from embeddings.clip import ClipEncoder
    from embeddings.vision.encoder import VisionEncoder

Encoder = Union["ClipEncoder", "VisionEncoder"]


def load_space(space: SpaceSpec, device: str = "auto", precision: str = "fp32") -> Encoder:
    """Load the model of a space once a process; raises `ModelError` that says what to do.

    `device` is `auto`, or any name torch takes; `precision` is `fp32` or `bf16`.
    """
    if space.model.is_vision:
        from embeddings.vision.encoder import load_vision_encoder

        return load_vision_encoder(space, device, precision)
    from embeddings.clip import load_encoder

    return load_encoder(space.model, device, precision).in_space(space.space)
