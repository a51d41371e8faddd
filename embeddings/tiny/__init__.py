"""marque-tiny: the project's own small open_clip model, for trying out on rendered scenes.

It is loaded as any open_clip model is: call `register_tiny()`, then
`open_clip.create_model_and_transforms(TINY, pretrained=str(TINY_WEIGHTS))` and
`open_clip.get_tokenizer(TINY)`. Its preprocessing is open_clip's default for a weights file (the
size of the config, shorter side and middle crop, bicubic, OpenAI's mean and deviation), so that the
loader needs no options. Without `register_tiny`, `get_tokenizer` gives the tokenizer of
another model without a word.
"""

from pathlib import Path

from embeddings.registry import TINY

__all__ = ["CONFIG_DIR", "TINY", "TINY_WEIGHTS", "register_tiny"]

CONFIG_DIR = Path(__file__).resolve().parent
TINY_WEIGHTS = CONFIG_DIR / f"{TINY}.safetensors"


def register_tiny() -> None:
    """Make the model's name known to open_clip; calling it again changes nothing."""
    # Here and not above: it takes seconds, and not every user of the name needs it.
    from embeddings.openclip import open_clip

    open_clip.add_model_config(CONFIG_DIR)
