"""No car is on both sides of a split."""

import numpy as np
from hypothesis import given, reject
from hypothesis import strategies as st

from embeddings.training.loop import TrainingError
from embeddings.training.splits import SAME_PHOTO, join_groups, split_classes

HASHES = st.integers(0, 2**64 - 1)


def as_bytes(*numbers: int) -> list[bytes]:
    return [number.to_bytes(8, "big") for number in numbers]


def test_photos_of_a_listing_or_of_one_hash_are_one_car() -> None:
    hashes = as_bytes(0, 2**63, 0xFF, 0b111, 0xAAAA << 20, 0xAAAA << 20)
    groups = join_groups(["a", "b", "a", None, None, "c"], hashes)
    assert groups[0] == groups[2], "one listing"
    assert groups[0] == groups[3], "three bits differ"
    assert groups[0] == groups[1], "one bit differs"
    assert groups[4] == groups[5] != groups[0]


def test_photos_without_a_listing_are_not_of_one_listing() -> None:
    groups = join_groups([None, None], as_bytes(0, 2**64 - 1))
    assert groups[0] != groups[1]


@given(HASHES, st.sets(st.integers(0, 63), max_size=12), st.lists(HASHES, max_size=5))
def test_hashes_that_differ_in_few_bits_are_found(
    one: int, bits: set[int], others: list[int]
) -> None:
    other = one ^ sum(1 << bit for bit in bits)
    hashes = as_bytes(one, other, *others)
    groups = join_groups([None] * len(hashes), hashes)
    if len(bits) <= SAME_PHOTO:
        assert groups[0] == groups[1]
    elif not others:
        assert groups[0] != groups[1]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 15)), min_size=30, max_size=60),
    st.integers(0, 5),
)
def test_no_class_and_no_group_is_on_both_sides(photos: list[tuple[int, int]], seed: int) -> None:
    classes = [str(each) for each, _ in photos] + [*"wxyzwxyz"]
    groups = np.array([group for _, group in photos] + list(range(100, 108)))
    try:
        split = split_classes(classes, groups, 0.3, seed)
    except TrainingError:  # every photo to judge by may be of a group that is trained on
        reject()
    sides = [split.training, split.validation]
    for values in (np.array(classes), groups):
        assert not np.isin(*(values[side] for side in sides)).any()
    used = len(split.training) + len(split.validation)
    assert used + split.alone + split.shared == len(classes)
    assert len(set(np.array(classes)[split.training])) >= 2
