"""The value of an arithmetic expression, by Python's own parser, restricted to arithmetic.

Operands are bounded before each operation: 9**9**9 would block the process for hours and fill its
memory.
"""

import ast
import math
import operator
from collections.abc import Callable
from typing import Any

from chatapp.tools import ToolFailed

MAX_CHARS = 500
MAX_BITS = 4096  # of an intermediate integer: over a thousand digits
MAX_ROUND_DIGITS = 15
EXACT_BITS = 53  # a JSON number of more loses digits in many readers

BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "ceil": math.ceil,
    "cos": math.cos,
    "exp": math.exp,
    "floor": math.floor,
    "log": math.log,
    "log10": math.log10,
    "log2": math.log2,
    "max": max,
    "min": min,
    "round": lambda number, digits=0: _round(number, digits),
    "sin": math.sin,
    "sqrt": math.sqrt,
    "tan": math.tan,
}
CONSTANTS = {"pi": math.pi, "e": math.e}


def evaluate(expression: str) -> int | float | str:
    """The value; a string of digits if it is an integer that JSON readers would round.

    Raises ToolFailed.
    """
    if len(expression) > MAX_CHARS:
        raise ToolFailed(f"The expression is longer than {MAX_CHARS} characters.")
    try:
        value = _value(ast.parse(expression.strip(), mode="eval").body)
    except SyntaxError:
        raise ToolFailed(f"{expression!r} is not an arithmetic expression.") from None
    except (ArithmeticError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise ToolFailed(f"{expression!r} has no value: {error}.") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise ToolFailed(f"{expression!r} has no finite value.")
    return str(value) if isinstance(value, int) and value.bit_length() > EXACT_BITS else value


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.BinOp(left, operation, right) if type(operation) in BINARY:
            return _binary(type(operation), _value(left), _value(right))
        case ast.UnaryOp(operation, operand) if type(operation) in UNARY:
            return UNARY[type(operation)](_value(operand))
        case ast.Call(ast.Name(name), arguments, []) if name in FUNCTIONS:
            return FUNCTIONS[name](*map(_value, arguments))
        case ast.Name(name) if name in CONSTANTS:
            return CONSTANTS[name]
    raise ToolFailed(f"{ast.unparse(node)!r} is not supported arithmetic.")


def _binary(operation: type[ast.operator], left: Any, right: Any) -> Any:
    if isinstance(left, int) and isinstance(right, int):
        _bound(operation, left, right)
    elif operation is ast.Pow:
        return math.pow(left, right)  # unlike `**`, never complex
    return BINARY[operation](left, right)


def _round(number: float, digits: int) -> int | float:
    """`round`, with bounded digits: Python's own computes a number with as many as it is told."""
    if abs(digits) > MAX_ROUND_DIGITS:
        raise OverflowError(f"it rounds to more than {MAX_ROUND_DIGITS} digits")
    return round(number, digits) if digits else round(number)


def _bound(operation: type[ast.operator], left: int, right: int) -> None:
    """Raise OverflowError if the result could be too large, before it is computed."""
    bits = left.bit_length() + right.bit_length()
    if operation is ast.Pow and abs(left) > 1:
        bits = left.bit_length() * abs(right)
    if bits > MAX_BITS:
        raise OverflowError(f"an intermediate result may have more than {MAX_BITS} bits")
