"""Reports torch and the model's files as two lines of JSON; run it in a process of its own.

    python -m embeddings.probe '{"name": ..., "weights": ..., "device": "auto", "home": ...}'

torch that does not fit its machine, or the other packages, can end or hang the process that
imports it, and then only this one is lost.
"""

import json
import sys
from pathlib import Path
from typing import Any

from core.text import shell_word
from embeddings.registry import LOCAL, PACKAGE, TINY, ModelError, ModelSpec
from embeddings.tuning import usable_cores

READ_BYTES = 2**30
"""A weights file up to this size is read whole and compared with its digest: in a second or two."""


def device_facts(wanted: str) -> dict[str, Any]:
    """The devices that torch sees, the one that is used for `wanted`, and whether it computes."""
    import torch

    from embeddings.network import first_line, pick_device

    chosen = pick_device() if wanted == "auto" else wanted
    facts = {
        "torch": torch.__version__,
        "cores": usable_cores(),
        "cuda": [torch.cuda.get_device_name(each) for each in range(torch.cuda.device_count())],
        "mps": torch.backends.mps.is_available(),
        "wanted": wanted,
        "chosen": chosen,
        "error": None,
    }
    try:
        torch.ones(2, device=chosen).sum().item()
    except (RuntimeError, AssertionError) as error:
        facts["error"] = first_line(error)
    return facts


def model_facts(spec: ModelSpec, home: Path) -> dict[str, Any]:
    """The place of a model's weights, and whether they are complete; `state` is `missing` if only
    the hub has them."""
    from embeddings.models import verify_model, worst
    from embeddings.weights import find_weights, missing_message

    try:
        found = find_weights(spec)
        if found is None:
            here = spec.weights is not None or spec.name == TINY
            here = here or spec.name.startswith((LOCAL, PACKAGE))
            state = "problem" if here else "missing"
            return {"state": state, "found": missing_message(spec), "advice": ""}
        size = found.path.stat().st_size
        facts: dict[str, Any] = {
            "place": found.place,
            "path": str(found.path),
            "bytes": size,
            "state": "unread",
            "found": f"`marque models verify {shell_word(spec.name)}` reads it all",
            "advice": "",
        }
        if size <= READ_BYTES:
            files = verify_model(spec, home)
            said = next(each for each in files if each.state == worst(files))
            facts |= {"state": said.state, "found": said.found, "advice": said.advice}
            facts |= {"sha256": files[0].sha256}
    except ModelError as error:
        return {"state": "problem", "found": str(error), "advice": ""}
    return facts


def main() -> None:
    """Print the facts of the device, then those of the model."""
    asked = json.loads(sys.argv[1])
    print(json.dumps({"device": device_facts(asked["device"])}), flush=True)  # noqa: T201
    spec = ModelSpec(asked["name"], asked["weights"])
    print(json.dumps({"model": model_facts(spec, Path(asked["home"]))}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
