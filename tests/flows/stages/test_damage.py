"""A flipped bit in a stored photo, at each place where the photo would be handed out or decoded."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from catalog.car_columns import open_space
from catalog.photos import DAMAGED_PHOTO, load_photos, verify_photos
from catalog.register import DAMAGED_REPLACED, register
from catalog.segments import unsegmented
from catalog.table import Catalog
from core.photos.decode import image_id
from core.records import Photo, Sighting
from embeddings.registry import SPACE, TINY, SpaceRecord
from embeddings.tuning import RunConfig
from flows.resources import catalog_at, encoder_for
from flows.settings import Settings
from flows.stages import pictures
from flows.stages.embed import embed_shard
from labeling.label import label_sightings
from labeling.labelers import Calibration, Labeler, use_labeler
from labeling.pending import unembedded_images, unlabeled_sightings
from labeling.review.cases import Case
from labeling.review.export import export_review
from labeling.review.queue import ReviewItem
from marque.__main__ import commands
from marque.checks.catalog import check_photos
from marque.checks.check import CheckContext
from synthetic.scenes import render
from synthetic.scenes.write import jpeg_bytes

COUNT = 4


@dataclass
class Shop:
    settings: Settings
    catalog: Catalog
    photos: list[bytes]

    @property
    def ids(self) -> list[str]:
        return [image_id(each) for each in self.photos]

    @property
    def bad(self) -> str:
        return self.ids[1]

    @property
    def record(self) -> SpaceRecord:
        return encoder_for(self.settings).record

    @property
    def waiting(self) -> list[str]:
        return unembedded_images(self.catalog, SPACE, self.record.version)[0]

    def ingest(self) -> object:
        sightings = [Sighting("shop", str(at), {"color": "red"}) for at in range(COUNT)]
        records = [Photo(*each) for each in zip(sightings, self.photos, strict=True)]
        return register(self.catalog, records, run_id="again")

    def embed(self) -> tuple[str, ...]:
        config = RunConfig(batch_size=4)
        return embed_shard(
            self.settings, config, self.catalog, self.waiting, "run", replace=False
        ).rejected


def flip_bit(home: Path, content: bytes) -> None:
    """As a disk does: one bit in the middle of the photo, in the file where it is stored."""
    (path,) = (each for each in (home / "catalog" / "images.lance" / "data").iterdir()
               if content in each.read_bytes())  # fmt: skip
    whole = bytearray(path.read_bytes())
    whole[whole.index(content) + len(content) // 2] ^= 4
    path.write_bytes(whole)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    settings = Settings(
        home=tmp_path, semantic_model=TINY, segmenter="marque-mask-tiny", device="cpu"
    )
    photos = [jpeg_bytes(render(seed, (160, 128))) for seed in range(COUNT)]
    made = Shop(settings, catalog_at(settings), photos)
    made.ingest()
    label_sightings(made.catalog, unlabeled_sightings(made.catalog), run_id="r")
    open_space(made.catalog, SPACE, made.record.size, made.record.to_json())
    flip_bit(tmp_path, photos[1])
    made.catalog = catalog_at(settings)
    return made


def command(shop: Shop, *words: str) -> Result:
    home = str(shop.settings.home_path)
    return CliRunner().invoke(commands, [*words, "--home", home], catch_exceptions=False)


def test_a_damaged_photo_is_not_embedded_and_waits_again_when_it_was_taken_anew(
    shop: Shop,
) -> None:
    assert shop.embed() == (DAMAGED_PHOTO,)
    assert set(shop.catalog.column("cars", "image_id").to_pylist()) == {*shop.ids} - {shop.bad}
    assert shop.waiting == []
    done = shop.ingest()
    assert (done.known, done.new, dict(done.notices)) == (COUNT, 0, {DAMAGED_REPLACED: 1})  # type: ignore[attr-defined]
    assert shop.waiting == [shop.bad]
    assert shop.embed() == ()
    assert [whole for _, whole in verify_photos(shop.catalog)] == [True] * COUNT
    again = shop.ingest()
    assert dict(again.notices) == {}  # type: ignore[attr-defined]
    assert shop.catalog.count("images") == COUNT


def test_a_photo_of_which_only_the_hash_is_told_is_taken_anew_once_it_was_found(
    shop: Shop,
) -> None:
    place = Sighting("shop", "1", {"color": "red"})
    told = Photo(place, shop.photos[1], sha256=shop.bad)
    shop.embed()
    assert register(shop.catalog, [told], run_id="told").notices[DAMAGED_REPLACED] == 1
    assert register(shop.catalog, [told], run_id="told again").notices[DAMAGED_REPLACED] == 0
    assert [whole for _, whole in verify_photos(shop.catalog)] == [True] * COUNT


def test_a_damaged_photo_is_not_segmented_nor_looked_at(shop: Shop) -> None:
    shop.embed()
    asked = shop.catalog.column("cars", "image_id").to_pylist()
    run_id, labeler = "run", Labeler("colour", "1", "", True, {"color": Calibration(1.0, 0.5)})
    use_labeler(shop.catalog, labeler, run_id=run_id)
    with pictures.kept_segmenter(shop.settings) as segmenter:
        look = pictures.look_shard
        done, missed = look(shop.settings, labeler, shop.record, [*asked, shop.bad], run_id)
        assert (done.photos, missed) == (COUNT - 1, 1)
        said = shop.catalog.column("assertions", "image_id", "origin = 'model' AND by = 'colour'")
        assert shop.bad not in said.to_pylist()
        stage = f"segment {segmenter.version}"
        assert shop.catalog.column("rejects", "source_id", f"stage = '{stage}'").to_pylist() == [
            shop.bad
        ]
        assert unsegmented(shop.catalog, [shop.bad], segmenter.version) == []
        shop.ingest()
        assert unsegmented(shop.catalog, [shop.bad], segmenter.version) == [shop.bad]
        done, missed = look(shop.settings, labeler, shop.record, [shop.bad], run_id)
        assert (done.photos, missed) == (1, 0)


def test_nothing_hands_out_a_damaged_photo(shop: Shop, tmp_path: Path) -> None:
    found: list[str] = []
    whole = {key: content for key, content, _ in load_photos(shop.catalog, shop.ids, found)}
    assert whole == {
        key: c for key, c in zip(shop.ids, shop.photos, strict=True) if key != shop.bad
    }
    assert found == [shop.bad]
    for words in (("show", shop.bad, "--out"), ("segment", shop.bad, "--out")):
        done = command(shop, *words, str(tmp_path / "new" / "out.png"))
        assert done.exit_code == 1
        assert f"photo {shop.bad} is damaged" in done.output
    assert not (tmp_path / "new").exists()
    assert command(shop, "show", shop.ids[0], "--out", str(tmp_path / "out.jpg")).exit_code == 0
    assert (tmp_path / "out.jpg").read_bytes() == shop.photos[0]

    cases = [
        ReviewItem(key, (Case(key, "color", "unsure", 0.5, None, None, None, "", "dark"),))
        for key in shop.ids
    ]
    assert export_review(shop.catalog, cases, tmp_path / "review") == [shop.bad]
    tasks = json.loads((tmp_path / "review" / "tasks.json").read_text())
    assert len(tasks) == COUNT - 1
    assert shop.bad not in (tmp_path / "review" / "review.csv").read_text("utf-8-sig")


def test_the_doctor_names_the_damaged_when_it_looks_deep(shop: Shop) -> None:
    told: list[tuple[int, int]] = []
    context = CheckContext(
        shop.settings, on_progress=lambda read, total: told.append((read, total))
    )
    (check,) = check_photos(context)
    assert check.state == "problem"
    assert check.facts == {"read": COUNT, "damaged": [shop.bad]}
    assert shop.bad in check.found
    assert told == [(read, COUNT) for read in range(1, COUNT + 1)]
    shop.ingest()
    (check,) = check_photos(context)
    assert (check.state, check.facts["damaged"]) == ("ok", [])
