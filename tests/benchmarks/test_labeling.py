from benchmarks.labeling import Rows, measure, measure_pictures, page_of
from benchmarks.segmenting import Segmenting, measure_segmenting
from embeddings.tuning import RunConfig

SEGMENTING = Segmenting(RunConfig(dtype="bf16", threads=2, batch_size=4), 64, 0.81, 0.86)


def test_the_page_says_what_was_measured_and_whether_it_is_enough() -> None:
    rows = Rows(100_000, 9000.0, 6000.0, {"asking": 20.0}, {"cars": 33.0}, 700_000, 0, 20)
    text = page_of(rows, SEGMENTING, {"colour": 300.0})
    assert "**Zero-shot on stored vectors: 6,000 photos/s; 5,000 were wanted: reached.**" in text
    assert "reaches 0.94 of the bare network; 0.9 was wanted: reached" in text
    assert "| colour | 300 |" in text
    assert "700,000 statements were added" in text
    slow = page_of(Rows(10, 1.0, 1.0), Segmenting(RunConfig(), 64, 0.5, 1.0), {})
    assert slow.count("missed") == 2


def test_a_small_catalog_is_labeled_anew_without_its_vectors_moving() -> None:
    rows = measure(600, 60)
    assert (rows.outside, rows.same) == (0, 20)
    assert rows.statements > 600 * 5
    assert rows.written["images"] == rows.written["sightings"] == 0
    assert min(rows.rate, rows.rate_read, *rows.seconds.values()) > 0


def test_the_others_are_timed_for_real() -> None:
    assert set(measure_pictures(6)) == {"marque-mask-tiny", "colour", "surroundings"}
    found = measure_segmenting(2, "deeplabv3_mobilenet_v3_large")
    assert (found.photos, found.stage > 0, found.bare > 0) == (2, True, True)
