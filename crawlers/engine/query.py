"""What can be asked of a site, declared once: the command's options, the flow's parameters and the
deployment's schema are made from the fields of these models."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field

from core.licenses import ACCEPTED

if TYPE_CHECKING:
    from core.vocabulary import Vocabulary

Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class Flag:
    """How the command line gives a field whose name and description do not say it all.

    Stands among the metadata of the field. Two of them are for a pair, one for each end.
    """

    name: str
    help: str = ""
    metavar: str | None = None


class SiteQuery(BaseModel):
    """What a crawl asks of a site; each site has its own.

    A field's description is the help of its option. A tuple is an option that can be repeated, and
    what is given adds to its default. Two names mean the same everywhere: `per_listing` is the most
    photos of one listing, `accept` are the licenses that are taken.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    example: ClassVar[dict[str, Any]] = {}
    """A small query that the site could be asked, for tests."""

    def missing(self) -> str | None:
        """What a command line that asks for this has still to say; None: nothing."""
        return None

    def expand(self, vocabulary: "Vocabulary") -> Self:  # noqa: ARG002 - some sites need it
        """The query with what the vocabulary adds to it; raises `UsageMistakeError`."""
        return self

    def check(self) -> None:
        """Raise `UsageMistakeError` for a query that the site cannot answer, before any request."""

    def parameters(self) -> dict[str, Any]:
        """The fields as the report of a run names them."""
        return dict(self)

    def key(self) -> list[Any]:
        """What names the query in a store, JSON-ready: the fields that are given, and apart from
        them `per_listing` and `accept`. Stores hold a digest of it, so it must not change."""
        given = self.model_dump(mode="json", exclude_none=True)
        apart = [given.pop("per_listing", None), given.pop("accept", list(ACCEPTED))]
        return [given, *apart]


class CrawlOptions(BaseModel):
    """How much of a crawl is made, and against what; the same for every site."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: Count | None = Field(
        None, description="Take at most this many photos, those that are there already among them."
    )
    max_requests: Count | None = Field(
        None,
        description="Make at most this many requests, 20,000 at most; the next run goes on.",
    )
    dry_run: bool = Field(
        False, description="Only say how many requests, bytes and hours it would take."
    )
    replica: Annotated[str | None, Flag("--replica", metavar="URL")] = Field(
        None,
        description="Crawl the replica that `marque replica` keeps up, instead of the site.",
    )
