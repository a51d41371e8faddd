"""The query for Wikimedia Commons: categories, and searches."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field

from core.errors import UsageMistakeError
from core.licenses import ACCEPTED, check_accepted
from core.vocabulary import Vocabulary
from crawlers.engine.query import Flag, SiteQuery
from crawlers.sites.commons.pages import api

Texts = tuple[str, ...]


class CommonsQuery(SiteQuery):
    """Files of categories, `depth` levels down, and files that searches find.

    `features` are attributes of the vocabulary: each query is asked with each of their values too.
    """

    example: ClassVar[dict[str, Any]] = {"categories": ["Ford Mustang"], "depth": 0, "width": 960}

    categories: Annotated[Texts, Flag("--category")] = Field(
        (), description='Category with what is below it, such as "Ford Mustang". Repeatable.'
    )
    queries: Annotated[Texts, Flag("--query")] = Field(
        (), description='Search, such as "red ford mustang". Repeatable.'
    )
    features: Annotated[Texts, Flag("--feature", metavar="ATTRIBUTE")] = Field(
        (),
        description="Search with each value of this attribute too, such as color. Repeatable.",
        exclude=True,  # `expand` turns them into queries, and these name the crawl in a store
    )
    depth: int = Field(2, ge=0, le=10, description="How many levels below a category to go.")
    width: int = Field(
        1280, description="Width of the photos in pixels, one of those that Commons makes."
    )
    accept: Texts = Field(
        ACCEPTED,
        description=f"Take this license too, beside {', '.join(ACCEPTED)}: pdm. Repeatable.",
    )

    def missing(self) -> str | None:
        """A category or a search."""
        if self.categories or self.queries or self.features:
            return None
        return 'say what to look for: --category "Ford Mustang", or --query'

    def expand(self, vocabulary: Vocabulary) -> Self:
        """The query with searches for the values of its `features`."""
        if not self.features:
            return self
        queries = tuple(feature_queries(self.queries, self.features, vocabulary))
        return self.model_copy(update={"queries": queries, "features": ()})

    def check(self) -> None:
        """Raise `UsageMistakeError` for what the API would refuse, and where nothing is asked."""
        check_accepted(self.accept)
        for title in self.categories:
            api.category_files(title, self.width)
        for text in self.queries:
            api.search_files(text, self.width)
        if not self.categories and not self.queries:
            raise UsageMistakeError("nothing is asked for: name a category of Commons, or a search")

    def parameters(self) -> dict[str, Any]:
        """The fields as reports name them: `accept` is `accepted` in all that were stored."""
        given = super().parameters()
        accepted = given.pop("accept")
        return {**given, "accepted": accepted}


def feature_queries(
    queries: Sequence[str], features: Sequence[str], vocabulary: Vocabulary
) -> list[str]:
    """`queries`, and each of them with each value of the attributes `features`: "ford mustang" with
    `color` is also "ford mustang red", and so on.

    Without a query the values are looked for with the word "car". Raises `UsageMistakeError` for an
    attribute that is absent, or whose values are not a closed list.
    """
    found = list(dict.fromkeys(queries))
    for name in features:
        known = vocabulary.attributes.get(name)
        if known is None or not known.values:
            closed = [each.name for each in vocabulary.attributes.values() if each.values]
            raise UsageMistakeError(
                f"searches cannot be made from {name!r}; use one of {', '.join(closed)}"
            )
        words = [value.replace("_", " ") for value in known.values if value != "other"]
        found += [f"{query} {word}" for query in (queries or ["car"]) for word in words]
    return found
