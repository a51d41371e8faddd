"""marque-tiny: the project's own small open_clip model, for trying out on rendered scenes.

It is loaded as any open_clip model is: call `register()`, then
`open_clip.create_model_and_transforms(NAME, pretrained=str(WEIGHTS))` and
`open_clip.get_tokenizer(NAME)`. Its preprocessing is open_clip's default for a weights file (the
size of the config, shorter side and middle crop, bicubic, OpenAI's mean and deviation), so that the
loader needs to be told nothing. `get_tokenizer` before `register` gives the tokenizer of another
model without a word.
"""

from pathlib import Path

NAME = "marque-tiny"
CONFIG_DIR = Path(__file__).resolve().parent
WEIGHTS = CONFIG_DIR / f"{NAME}.safetensors"


def register() -> None:
    """Make the model's name known to open_clip; calling it again changes nothing."""
    # Here and not above: it takes seconds, and not every user of the name needs it.
    from embeddings.openclip import open_clip

    open_clip.add_model_config(CONFIG_DIR)
