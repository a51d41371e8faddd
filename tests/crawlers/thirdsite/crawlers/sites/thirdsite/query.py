"""What can be asked of the third site: the cars of a make, up to a price."""

from typing import Any, ClassVar

from pydantic import Field

from core.errors import UsageMistakeError
from crawlers.engine.query import AtLeastOne, SiteQuery


class ThirdSiteQuery(SiteQuery):
    """The cars of a make."""

    example: ClassVar[dict[str, Any]] = {"make": "fiat"}

    make: str = Field(description="Make, such as fiat.")
    max_price: AtLeastOne | None = Field(None, description="Leave dearer cars out, in euros.")
    order: str = Field(
        "newest",
        description="Which cars come first.",
        json_schema_extra={"enum": ["newest", "cheapest"]},
    )
    per_listing: AtLeastOne | None = Field(
        None, description="Take at most this many photos of a car."
    )

    def check(self) -> None:
        """Raise `UsageMistakeError` for a make without a letter."""
        if not self.make.strip():
            raise UsageMistakeError("the make is empty; name one, such as fiat")
