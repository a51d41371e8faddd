"""The query for AutoScout24: a make, or a model, on one of its country sites."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from core.errors import UsageMistakeError
from crawlers.engine.query import AtLeastOne, Flag, SiteQuery
from crawlers.sites.autoscout24.pages.codes import COUNTRY_SITES, slug
from crawlers.sites.autoscout24.pages.gallery import PHOTO_SIZES
from crawlers.sites.autoscout24.pages.slices import Slice

Year = Annotated[int, Field(ge=1900, le=2100)]


class AutoScout24Query(SiteQuery):
    """The adverts of a make. `years` are the first and the last year of registration, None for an
    open end."""

    example: ClassVar[dict[str, Any]] = {"site": "it", "make": "fiat", "size": "480x360"}

    # The schema names the choices; a wrong one is refused by `check`, with a sentence.
    site: str = Field(
        "de", description="Country site.", json_schema_extra={"enum": [*COUNTRY_SITES]}
    )
    make: str = Field(description="Make, such as fiat or alfa-romeo.")
    model: str | None = Field(None, description="Model of that make, such as 500.")
    years: Annotated[
        tuple[Year | None, Year | None] | None,
        Flag("--year-from", "Earliest year of first registration."),
        Flag("--year-to", "Latest year of first registration."),
    ] = Field(None, description="First and last year of first registration.")
    size: str = Field(
        "1280x960",
        description="Size of the photos in pixels.",
        json_schema_extra={"enum": [*PHOTO_SIZES]},
    )
    per_listing: AtLeastOne | None = Field(
        None, description="Take at most this many photos of one advert."
    )

    def search(self) -> Slice:
        """The search that a crawl begins with; raises `UsageMistakeError`."""
        site = COUNTRY_SITES.get(self.site)
        if site is None:
            raise UsageMistakeError(
                f"there is no AutoScout24 site {self.site!r}; there are {', '.join(COUNTRY_SITES)}"
            )
        first, last = self.years or (None, None)
        return Slice(
            site=site,
            make=slug(self.make),
            model=slug(self.model) if self.model else None,
            year_from=first,
            year_to=last,
        )

    def check(self) -> None:
        """Raise `UsageMistakeError` for a search or a size that the site does not have."""
        self.search()
        if self.size not in PHOTO_SIZES:
            raise UsageMistakeError(
                f"there is no size {self.size!r}; there are: {', '.join(PHOTO_SIZES)}"
            )
