"""The networks that say what every pixel of a photo shows, as records; no torch here."""

from dataclasses import dataclass

from embeddings.registry import ModelError
from labeling import masks

DEFAULT_SEGMENTER = "deeplabv3_resnet101"
TRYOUT_SEGMENTER = (
    f"{masks.MASK_MODEL} is for trying out: it was trained on rendered scenes and does not "
    f"understand real photos; set MARQUE_SEGMENTER={DEFAULT_SEGMENTER} for those"
)


@dataclass(frozen=True, slots=True)
class SegmenterRecord:
    """A network that is not loaded yet: its name, and the license of its own weights."""

    name: str
    license: str

    @property
    def is_tryout(self) -> bool:
        """Whether it is the project's own small one, trained on rendered scenes."""
        return self.name == masks.MASK_MODEL


SEGMENTERS = {
    record.name: record
    for record in (
        SegmenterRecord(DEFAULT_SEGMENTER, "BSD-3-Clause"),
        SegmenterRecord("deeplabv3_mobilenet_v3_large", "BSD-3-Clause"),
        SegmenterRecord(masks.MASK_MODEL, "Apache-2.0"),
    )
}


def segmenter_record(name: str) -> SegmenterRecord:
    """The record of a network by its name; raises `ModelError`."""
    try:
        return SEGMENTERS[name]
    except KeyError:
        raise ModelError(
            f"there is no segmenter {name!r}; use one of {', '.join(SEGMENTERS)}"
        ) from None
