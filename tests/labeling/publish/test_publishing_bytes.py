"""Photos whose bytes are gone from the catalog are not published as if they were there."""

import pytest

from catalog.table import Catalog
from catalog.versions import published_version
from labeling.publish.loss import LossError
from labeling.publish.publish import publish
from tests.catalog.making import Fill, MakePhoto


def test_many_photos_without_bytes_are_refused_unless_it_is_meant(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill
) -> None:
    keys = fill(catalog, [make_photo(seed, color="red") for seed in range(20)])
    publish(catalog)
    before = published_version(catalog)
    catalog.remove("images", keys[:10])
    assert publish(catalog).photos == 20, "a few"
    catalog.remove("images", keys[:12])
    with pytest.raises(LossError, match=r"'images' of .* lacks 12 of 20 photos.* --allow-loss"):
        publish(catalog)
    assert published_version(catalog) == before
    assert publish(catalog, max_loss=1).photos == 20
    fill(catalog, [make_photo(seed, color="red") for seed in range(20)])
    assert publish(catalog).photos == 20, "they were taken anew"
