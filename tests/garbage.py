"""What only the garbage collector can free: on a quiet server that may take hours."""

import gc
from collections.abc import Callable
from types import FrameType

OURS = "chatapp"


def left_by(step: Callable[[], object]) -> list[str]:
    """The names of the frames and of our objects that refer to each other in a circle after the
    step."""
    step()  # what is made once stays
    gc.collect()
    gc.disable()
    try:
        step()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        return [_name(each) for each in gc.garbage if _counts(each)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def _counts(each: object) -> bool:
    return isinstance(each, FrameType) or type(each).__module__.partition(".")[0] == OURS


def _name(each: object) -> str:
    return each.f_code.co_qualname if isinstance(each, FrameType) else type(each).__qualname__
