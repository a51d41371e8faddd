"""Files of Commons whose license is named by a code alone."""

import pytest

from core import licenses
from core.licenses import NOT_KNOWN, NOT_STATED
from core.records import Drop
from crawlers.sites.commons.pages.parse import parse_file
from tests.crawlers.sites.commons.test_pages import listing, page, reason


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("cc-by-2.0", "CC BY 2.0"),
        ("cc-by-sa-3.0-de", "CC BY-SA 3.0 DE"),
        ("cc0", "CC0 1.0"),
        ("pd", NOT_STATED),
        ("pd-user", NOT_STATED),
        ("gfdl", NOT_STATED),
        ("cc-pdm-1.0", licenses.MARK_NOT_ASKED),
        ("cc-pd", licenses.RETIRED),
        ("cc-by-nc-2.0", licenses.NOT_COMMERCIAL),
        ("cc-by-nd-4.0", licenses.NO_ADAPTATIONS),
        ("cc-by", NOT_KNOWN),
        ("cc-by-sa-3.0,2.5", NOT_KNOWN),
    ],
)
def test_a_license_without_an_address_is_read_by_its_code(code: str, found: str) -> None:
    made = page(LicenseUrl=None, License=code)
    read_as = parse_file(made)
    assert (read_as.reason if isinstance(read_as, Drop) else read_as.license) == found


def test_an_address_goes_before_the_code() -> None:
    assert listing(page(License="cc-by-2.0")).license == "CC BY-SA 4.0"
    elsewhere = "https://www.flickr.com/commons/usage/"
    assert reason(page(LicenseUrl=elsewhere, License="cc-by-2.0")) == NOT_KNOWN
