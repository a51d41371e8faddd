"""A recipe is all that a command or a deployment does: a function, or a Prefect flow of it.

This module decides which of the two a call is; a plain call imports nothing of Prefect.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Generic, ParamSpec

from pydantic import validate_call

from flows.prefect_context import in_prefect_run
from flows.reporting.report import RunReport

if TYPE_CHECKING:
    from prefect import Flow

P = ParamSpec("P")

_as_flows: ContextVar[bool] = ContextVar("as_flows", default=False)


class Recipe(Generic[P]):
    """A recipe over the stages of a run; calling it runs it, plainly or as a flow."""

    def __init__(self, name: str, function: Callable[P, RunReport]) -> None:
        functools.update_wrapper(self, function)
        self.name = name
        self._function = function
        self._plain = validate_call(function)  # parameters are checked as a flow checks them

    def __call__(self, *given: P.args, **named: P.kwargs) -> RunReport:
        """Run it: as a flow inside `as_flows`, else as the function that it is."""
        if _as_flows.get() and not in_prefect_run():
            return self.flow(*given, **named)
        return self._plain(*given, **named)

    @functools.cached_property
    def flow(self) -> "Flow[P, RunReport]":
        """The flow over the same function, which deployments name."""
        from prefect import flow

        return flow(name=self.name)(self._function)


def recipe(name: str) -> Callable[[Callable[P, RunReport]], Recipe[P]]:
    """Make a function a recipe; its flow has this name."""
    return lambda function: Recipe(name, function)


@contextmanager
def as_flows() -> Iterator[None]:
    """Let recipes that are called in this block run as Prefect flows."""
    token = _as_flows.set(True)
    try:
        yield
    finally:
        _as_flows.reset(token)
