"""How a greenlet that is going to wait for long calls what goes deep: on another stack.

Python gives the frames of each greenlet 16 KiB. A page of them that was used once is kept until the
greenlet ends; so one that made a request through many layers, and then waits for the events of a
stream, would hold what only the request needed.
"""

from collections.abc import Callable
from contextvars import Context
from functools import partial
from typing import Any, ParamSpec, TypeVar

from greenlet import GreenletExit, getcurrent, greenlet

P = ParamSpec("P")
T = TypeVar("T")


def on_own_stack(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the call gives. It may wait, and has the caller's context. What is thrown into the
    caller meanwhile is thrown into the call."""
    caller, stack = getcurrent(), greenlet(partial(call, *args, **kwargs))
    if caller.gr_context is None:
        caller.gr_context = Context()
    stack.gr_context = caller.gr_context
    resume: Callable[..., Any] = stack.switch
    thrown: tuple[BaseException, ...] = ()
    try:
        while True:
            try:
                result = resume(*thrown)
            except BaseException as error:
                if stack.dead:
                    raise
                resume, thrown = stack.throw, (error,)
            else:
                if isinstance(result, GreenletExit):  # which ends a greenlet without being raised
                    raise result
                return result  # type: ignore[no-any-return]
    finally:
        del caller, stack, resume, thrown  # the traceback of an error has this frame
