"""The queries of sites, declared once: the command's options, the flow's parameters and the
deployment's schema are made from the fields of these models."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field

from core.licenses import ACCEPTED

if TYPE_CHECKING:
    from core.vocabulary import Vocabulary

AtLeastOne = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class Flag:
    """The option of a field, if its name and description are not enough for one.

    It is part of the field's metadata. A field that is a pair has two, one for each end.
    """

    name: str
    help: str = ""
    metavar: str | None = None


class SiteQuery(BaseModel):
    """The query of a crawl; each site has its own class.

    A field's description is the help of its option. A tuple is an option that can be repeated, and
    what is given adds to its default. Two names mean the same everywhere: `per_listing` is the most
    photos of one listing, `accept` are the licenses that are taken.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    example: ClassVar[dict[str, Any]] = {}
    """A small query that the site could be asked, for tests."""

    def missing(self) -> str | None:
        """The message for a command line that lacks something; None if it is complete."""
        return None

    def expand(self, vocabulary: "Vocabulary") -> Self:  # noqa: ARG002 - some sites need it
        """The query with what the vocabulary adds to it; raises `UsageMistakeError`."""
        return self

    def check(self) -> None:
        """Raise `UsageMistakeError` for a query that the site cannot answer. Sends no request."""

    def parameters(self) -> dict[str, Any]:
        """The fields as the report of a run names them."""
        return dict(self)

    def key(self) -> list[Any]:
        """The name of the query in a store, JSON-ready: the given fields, then `per_listing` and
        `accept` apart. Stores hold a digest of it, so it must not change."""
        given = self.model_dump(mode="json", exclude_none=True)
        apart = [given.pop("per_listing", None), given.pop("accept", list(ACCEPTED))]
        return [given, *apart]


class CrawlOptions(BaseModel):
    """Options of a crawl that are the same for every site."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: AtLeastOne | None = Field(
        None, description="Take at most this many photos, including those that are stored already."
    )
    max_requests: AtLeastOne | None = Field(
        None,
        description="Make at most this many requests, 20,000 at most; the next run continues.",
    )
    dry_run: bool = Field(
        False, description="Only say how many requests, bytes and hours it would take."
    )
    replica: Annotated[str | None, Flag("--replica", metavar="URL")] = Field(
        None,
        description="Crawl the replica that `marque replica` keeps up, instead of the site.",
    )
