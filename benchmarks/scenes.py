"""How many scenes one core paints a second: at the default size, and at those of training."""

import time
from dataclasses import dataclass

from benchmarks.machine import made_by
from synthetic.scenes import SCENE_SIZE, render
from synthetic.tiny.scenes import TRAINING_SIZES

WANTED = 150
"""Scenes a second of core time, at the default size."""

COUNT, ROUNDS = 400, 3
FIRST_SEED = 5_000


@dataclass(frozen=True, slots=True)
class Row:
    """One size: (width, height) in pixels, its use, and scenes a second of core time."""

    size: tuple[int, int]
    use: str
    speed: float


def sizes() -> dict[tuple[int, int], str]:
    """The sizes that are painted in Marque, and what for."""
    found = {SCENE_SIZE: "the default: demo, tests, evaluation", (128, 107): "small pictures"}
    return found | dict.fromkeys(TRAINING_SIZES, "training of marque-tiny")


def measure(count: int = COUNT, rounds: int = ROUNDS) -> list[Row]:
    """Each size: the best of some rounds over the same scenes, in time of this process alone."""
    rows = []
    for size, use in sizes().items():
        render(FIRST_SEED - 1, size)  # what is made once, such as the noise
        rows.append(Row(size, use, count / min(_seconds(size, count) for _ in range(rounds))))
    return rows


def _seconds(size: tuple[int, int], count: int) -> float:
    start = time.process_time()
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        render(seed, size)
    return time.process_time() - start


def page() -> str:
    """The page of this benchmark, as Markdown."""
    return page_of(measure(), COUNT)


def page_of(rows: list[Row], count: int) -> str:
    """The page: what was measured, the table, and whether the wanted speed is reached."""
    default = next(row for row in rows if row.size == SCENE_SIZE)
    reached = "reached" if default.speed >= WANTED else "not reached"
    lines = [
        "# Scenes a second",
        "",
        made_by("scenes", "pillow", "numpy"),
        "",
        f"{count} scenes from seed {FIRST_SEED} on, views and weathers as they come, painted by "
        "one thread with their masks and boxes, not yet encoded as JPEG. Time is that of the "
        f"process, the best of {ROUNDS} rounds.",
        "",
        "| size | used for | scenes/s a core |",
        "|---|---|---|",
        *(f"| {row.size[0]} x {row.size[1]} | {row.use} | {row.speed:.0f} |" for row in rows),
        "",
        f"**Wanted are {WANTED} scenes/s a core at the default size: {reached}, with "
        f"{default.speed:.0f}.**",
    ]
    return "\n".join(lines) + "\n"
