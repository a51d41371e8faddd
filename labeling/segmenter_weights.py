"""torchvision's segmentation networks, with weights from a local file or the published ones."""

from typing import Any

import torch

from embeddings.registry import ModelError
from embeddings.vision.networks import torchvision_models
from embeddings.vision.weights import StateDict
from labeling import masks

WAYS_ON = (
    "name a local file with MARQUE_SEGMENTER_WEIGHTS, or set "
    f"MARQUE_SEGMENTER={masks.MASK_MODEL} to try things out on a machine without weights"
)


def published_weights(name: str) -> Any:
    """torchvision's record of a network's published weights: their place, classes and sizes."""
    return torchvision_models().get_model_weights(name)["COCO_WITH_VOC_LABELS_V1"]


def build(name: str, state: StateDict, file: str) -> torch.nn.Module:
    """torchvision's segmentation model `name` with the weights of `state`.

    The auxiliary head, which only helps in training, is removed. `file` is the file that the
    weights come from, for the message. Raises `ModelError` if the weights do not fit the model.
    """
    has_auxiliary_head = any(key.startswith("aux_classifier.") for key in state)
    model: Any = torchvision_models().get_model(
        name, weights=None, weights_backbone=None, aux_loss=has_auxiliary_head
    )
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        # The first line of torch's message only says that loading failed; the next says why.
        why = next(iter(str(error).splitlines()[1:]), str(error)).strip()[:200]
        raise ModelError(
            f"{file!r} does not fit {name!r} ({why}); name the network that it was made for with "
            f"MARQUE_SEGMENTER, or {WAYS_ON}"
        ) from error
    model.aux_classifier = None
    network: torch.nn.Module = model
    return network
