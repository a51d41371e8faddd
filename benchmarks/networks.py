"""The embedding stage of each kind of network against its best bare forward pass, and what batch
norms, the allocator and the size of a batch change.

Weights are random where they cannot be had: speed does not depend on what they are.
"""

import copy
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter

from benchmarks.embedding import Cost, forward_cost, save_weights, small_photos, stage_cost
from benchmarks.machine import made_by
from embeddings.allocator import memory_kept
from embeddings.encoders import Encoder
from embeddings.measure import measure
from embeddings.network import DTYPES
from embeddings.registry import LITE_MODEL
from embeddings.tuning import Dtype, Overrides, RunConfig
from flows.resources import encoder_for
from flows.settings import Settings

NETWORKS = ("ViT-B-32-256", LITE_MODEL, "torchvision:resnet50", "torchvision:vgg16")
PHOTOS = 256
WANTED = 0.9
SIZES = (8, 32)


@dataclass(frozen=True, slots=True)
class Row:
    """One network: the bare forward pass by how it is run, and the stage as the engine runs it."""

    network: str
    config: RunConfig
    bare: dict[str, Cost]
    stage: Cost

    @property
    def best(self) -> Cost:
        """The fastest bare forward pass."""
        return min(self.bare.values(), key=lambda each: each.clock)

    @property
    def ratio(self) -> float:
        """Photos a second of the stage over those of the best bare forward pass."""
        return self.best.clock / self.stage.clock


def random_weights(network: str, folder: Path) -> Path | None:
    """A file of random weights of a network; None for one whose weights are here."""
    import torch
    from safetensors.torch import save_file

    from embeddings.registry import TORCHVISION
    from embeddings.vision.networks import torchvision_models

    if network == LITE_MODEL:
        return None
    if not network.startswith(TORCHVISION):
        return save_weights(folder)
    torch.manual_seed(0)
    module = torchvision_models().get_model(network.removeprefix(TORCHVISION), weights=None)
    path = folder / f"{network.removeprefix(TORCHVISION)}.safetensors"
    save_file(module.state_dict(), path)
    return path


def measure_network(network: str, contents: Sequence[bytes], folder: Path) -> Row:
    """Measure one network, in a process that measures no other: the allocator does not forget."""
    settings = Settings(
        home=folder,
        catalog=str(folder / "catalog"),
        semantic_model=network,
        semantic_weights=random_weights(network, folder),
        device="cpu",
    )
    plain = encoder_for(settings)
    config = measure(plain, Overrides()).config
    bare = {}
    for memory in ("usual memory", "memory kept"):
        with memory_kept() if memory == "memory kept" else nullcontext():
            for norms, encoder in {
                "as it is": as_it_is(plain, config.dtype),
                "folded": plain.in_dtype(config.dtype),
            }.items():
                for size in SIZES:
                    run = replace(config, batch_size=size)
                    name = f"{norms}, {memory}, batch {size}"
                    bare[name] = forward_cost(encoder, run, contents)
    return Row(network, config, bare, stage_cost(settings, config, contents))


def as_it_is(encoder: Encoder, dtype: Dtype) -> Encoder:
    """The encoder in a number type, without anything folded."""
    other = copy.copy(encoder)
    other._model = copy.deepcopy(encoder._model).to(DTYPES[dtype])
    other._dtype = DTYPES[dtype]
    return other


def measure_all(networks: Sequence[str] = NETWORKS, photos: int = PHOTOS) -> list[Row]:
    """Each network in a process of its own."""
    rows = []
    for network in networks:
        command = [sys.executable, "-m", "benchmarks.networks", network, str(photos)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{network}: {done.stderr[-2000:]}")
        rows.append(TypeAdapter(Row).validate_json(done.stdout))
    return rows


def page() -> str:
    """The whole page."""
    return page_of(measure_all())


def page_of(rows: Sequence[Row]) -> str:
    """The page of a measurement."""
    return "\n".join([
        "# Networks",
        "",
        made_by("networks", "torch", "torchvision", "timm", "open_clip_torch"),
        "",
        f"Each network over {PHOTOS} photos of 224 x 224, in a process of its own and in the "
        "number type that the tuner chose. The bare forward pass gets pictures that are ready; "
        "*folded* means batch norms folded into convolutions, *memory kept* that the allocator "
        "keeps what a layer has freed for the next. The stage is what a run does: read from "
        "LanceDB, decode, prepare, infer, write to `cars`. Photos a second.",
        "",
        *_bare_table(rows),
        "",
        "| network | run as | best bare | stage | stage / best bare |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {row.network} | {row.config.dtype}, batch {row.config.batch_size} | "
            f"{1 / row.best.clock:.1f} | {1 / row.stage.clock:.1f} | {row.ratio:.2f} |"
            for row in rows
        ),
        "",
        f"**{_verdict(rows)}**",
        "",
    ])  # fmt: skip


def _bare_table(rows: Sequence[Row]) -> list[str]:
    names = list(dict.fromkeys(name for row in rows for name in row.bare))
    lines = [f"| bare forward pass | {' | '.join(row.network for row in rows)} |"]
    lines.append("| --- " * (len(rows) + 1) + "|")
    for name in names:
        cells = [f"{1 / row.bare[name].clock:.1f}" for row in rows]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _verdict(rows: Sequence[Row]) -> str:
    least = min(rows, key=lambda row: row.ratio)
    reached = "reached" if least.ratio >= WANTED else "missed"
    return (
        f"The stage reaches at least {least.ratio:.2f} of the best bare forward pass "
        f"({least.network}; wanted {WANTED}: {reached})."
    )


def main() -> None:
    """Measure one network and print it as JSON."""
    network, photos = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as place:
        row = measure_network(network, small_photos(photos)[1], Path(place))
    sys.stdout.write(TypeAdapter(Row).dump_json(row).decode())


if __name__ == "__main__":
    main()
