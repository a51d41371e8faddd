"""open_clip, imported without torch's compiler, timm and transformers; import it from here alone.

torchvision and timm, which open_clip imports, ask the compiler behind `torch.compile` for two small
things, and with it comes half of all that a first answer waits for. Marque compiles nothing. timm
and transformers bring hundreds of networks for the few models that have one of them: `want_timm`
and `want_transformers` are for those.

Measured on two cores, medians of five cold `marque search "a red car"` with marque-tiny: 9.4 s of
processor time, 12.2 s with the compiler, 12.0 s with timm and transformers, 14.3 s with all.
"""

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any

_COMPILER, _UTILS = "torch._dynamo", "torch._dynamo.utils"
_TIMM, _TRANSFORMERS = "timm", "transformers"


@contextmanager
def _without_compiler() -> Iterator[None]:
    """Stand-ins for the compiler while a module is imported; it can be imported as ever after."""
    if _COMPILER in sys.modules:
        yield
        return
    package, utils = ModuleType(_COMPILER), ModuleType(_UTILS)
    package.__dict__.update(__path__=[], disable=_unchanged)
    utils.__dict__["is_compile_supported"] = lambda _device: False
    sys.modules.update({_COMPILER: package, _UTILS: utils})
    try:
        yield
    finally:
        del sys.modules[_COMPILER], sys.modules[_UTILS]


@contextmanager
def _without_networks() -> Iterator[None]:
    """Let imports of timm and transformers fail, which open_clip is ready for, while it is
    imported."""
    absent = [name for name in (_TIMM, _TRANSFORMERS) if name not in sys.modules]
    # None tells Python that a module is missing.
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


def want_timm() -> None:
    """Give open_clip what it takes from timm, for a model with such a network."""
    user = importlib.import_module("open_clip.timm_model")
    if user.timm is not None:
        return
    with suppress(ImportError), _without_compiler():  # open_clip says so itself
        timm = importlib.import_module(_TIMM)
        layers = importlib.import_module(f"{_TIMM}.layers")
        taken = {name: getattr(layers, name) for name in ("RotAttentionPool2d", "Mlp", "to_2tuple")}
        user.__dict__.update(taken, AbsAttentionPool2d=layers.AttentionPool2d, timm=timm)


def want_transformers() -> None:
    """Give open_clip what it takes from transformers, for a model with a text part from there."""
    user = importlib.import_module("open_clip.hf_model")
    if user.transformers is not None:
        return
    with suppress(ImportError), _without_compiler():  # open_clip says so itself
        transformers = importlib.import_module(_TRANSFORMERS)
        outputs = importlib.import_module(f"{_TRANSFORMERS}.modeling_outputs")
        names = ("AutoModel", "AutoTokenizer", "AutoConfig", "PretrainedConfig")
        kinds = [name for name in vars(user) if name.startswith("BaseModelOutput")]
        kinds += ["BaseModelOutputWithPooling", "BaseModelOutputWithPoolingAndCrossAttentions"]
        taken = {name: getattr(transformers, name) for name in names}
        taken |= {name: getattr(outputs, name) for name in kinds}
        user.__dict__.update(taken, transformers=transformers)


def _unchanged(fn: Callable[..., Any] | None = None, *_: object, **__: object) -> Any:
    """Replaces `torch.compiler.disable`: leaves a function as it is, since none is compiled."""
    return fn or _unchanged


importlib.import_module("torch")  # which looks for no compiler itself
open_clip: Any
try:
    with _without_compiler(), _without_networks():
        open_clip = importlib.import_module("open_clip")
except (ImportError, AttributeError):  # a release that asks the compiler for more
    open_clip = importlib.import_module("open_clip")

CONFIG_FILE: str = open_clip.constants.HF_CONFIG_NAME
SAFE_WEIGHTS_FILE: str = open_clip.constants.HF_SAFE_WEIGHTS_NAME
WEIGHTS_FILE: str = open_clip.constants.HF_WEIGHTS_NAME
"""The names of a model's files in the hub, and in a folder that `local-dir:` takes."""


def load_timm() -> Any:
    """The package timm; raises `ImportError`."""
    want_timm()
    timm = importlib.import_module("open_clip.timm_model").timm
    if timm is None:
        raise ImportError("timm cannot be imported; install Marque again")
    return timm
