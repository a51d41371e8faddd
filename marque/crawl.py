"""`marque crawl SITE`: photos from a web site into the catalog, and no further.

A site's options are made from the fields of its query, see `crawlers.engine.query`.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from core.text import replace_surrogates
from crawlers.engine.registry import load_query, load_site, site_names
from marque.common import loss_option, run_flow, shared_options, weights_option

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

    from crawlers.engine.query import CrawlOptions, Flag, SiteQuery

Schema = Mapping[str, Any]


class SiteCommands(click.Group):
    """A group with a command for each site, made when it is looked up."""

    searchable = False
    """Whether the commands make the photos searchable, or only register them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, sorted."""
        return sorted({*super().list_commands(ctx), *site_names()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, if there is one."""
        if cmd_name not in self.commands and cmd_name in site_names():
            self.add_command(site_command(cmd_name, searchable=self.searchable))
        return super().get_command(ctx, cmd_name)


@click.group(cls=SiteCommands)
def crawl() -> None:
    """Take photos in from a web site, politely, and stop there: `marque embed` does the rest.

    Running it again asks only for what is new or changed, and continues where a broken run stopped.
    """


class SiteCommand(click.Command):
    """Runs the flow `crawl-<site>`. Its options are made when they are needed: a list of commands
    needs none, and pydantic, from which they come, takes a third of a second to import."""

    def __init__(self, name: str, **attributes: Any) -> None:
        super().__init__(name, **attributes)
        self._site = name
        self._shared: list[click.Parameter] = self.__dict__.pop("params")

    @cached_property
    def params(self) -> list[click.Parameter]:  # type: ignore[override]
        """A site's own options, those of every crawl, and those of every command."""
        made = [option for model in _models(self._site) for option in _options(model)]
        return [*made, *self._shared]


def site_command(site: str, *, searchable: bool) -> click.Command:
    """The command that crawls a site, and makes its photos `searchable` or only registers them."""

    def command(*, as_json: bool, **values: Any) -> None:
        query, options = _models(site)
        known = query.model_fields | options.model_fields
        given = {name: _value(name, field, values) for name, field in known.items()}
        given = {name: value for name, value in given.items() if value is not None}
        _check(query, given)
        from flows.crawl import crawl_recipe

        run_flow(lambda: crawl_recipe(site)(**given, searchable=searchable), as_json=as_json)

    wrapped = shared_options(command)
    if searchable:
        wrapped = weights_option(loss_option(wrapped))
    summary = load_site(site).summary
    first = "Crawl " + summary if searchable else summary[0].upper() + summary[1:]
    return click.command(site, cls=SiteCommand, help=first)(wrapped)


def _models(site: str) -> "tuple[type[SiteQuery], type[CrawlOptions]]":
    from crawlers.engine.query import CrawlOptions

    return load_query(site), CrawlOptions


def _options(model: "type[BaseModel]") -> Iterator[click.Option]:
    """A click option for each field of a model, two for a pair."""
    schemas = model.model_json_schema()["properties"]
    for name, field in model.model_fields.items():
        flags = _flags(field)
        for at, flag in enumerate(flags or (None,)):
            schema = _plain(schemas[name])
            if len(flags) == 2:
                schema = _plain(schema["prefixItems"][at])
            words = flag.name if flag else f"--{name.replace('_', '-')}"
            help_text = (flag and flag.help) or field.description
            metavar = flag.metavar if flag else None
            yield click.Option(
                [words, _dest(name, at)],
                help=help_text,
                metavar=metavar,
                required=field.is_required(),
                **_typed(schema, field),
            )


def _typed(schema: Schema, field: "FieldInfo") -> dict[str, Any]:
    """How click reads a value of such a JSON schema."""
    if schema["type"] == "boolean":
        return {"is_flag": True}
    if schema["type"] == "array":
        return {"multiple": True}
    default = None if field.is_required() else field.default
    shown = {} if default is None else {"default": default, "show_default": True}
    if "enum" in schema:
        return {"type": click.Choice(schema["enum"]), **shown}
    if schema["type"] == "integer" and {"minimum", "maximum"} & schema.keys():
        return {"type": click.IntRange(schema.get("minimum"), schema.get("maximum")), **shown}
    return {"type": int if schema["type"] == "integer" else str, **shown}


def _plain(schema: Schema) -> Schema:
    """The schema of a value that is given: without null, which means that none is given."""
    choices = [each for each in schema.get("anyOf", ()) if each["type"] != "null"]
    return {**schema, **choices[0]} if choices else schema


def _flags(field: "FieldInfo") -> "list[Flag]":
    from crawlers.engine.query import Flag

    return [each for each in field.metadata if isinstance(each, Flag)]


def _dest(name: str, at: int) -> str:
    return f"{name}_{at}"


def _value(name: str, field: "FieldInfo", values: Mapping[str, Any]) -> Any:
    """A field from its options; None where none is given. What is repeated adds to the default."""
    if len(_flags(field)) == 2:
        pair = values[_dest(name, 0)], values[_dest(name, 1)]
        return None if pair == (None, None) else pair
    value = values[_dest(name, 0)]
    return (*field.default, *value) if isinstance(value, tuple) else value


def _check(query: "type[SiteQuery]", given: Mapping[str, Any]) -> None:
    """Raise `click.UsageError` where the command line is not UTF-8, or lacks what a query needs."""
    for value in given.values():
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and text != replace_surrogates(text):
                raise click.UsageError(f"{replace_surrogates(text)!r} is not written in UTF-8")
    ours = {name: value for name, value in given.items() if name in query.model_fields}
    if (missing := query(**ours).missing()) is not None:
        raise click.UsageError(missing)
