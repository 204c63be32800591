"""Formulas in labels: the op's own, filled with the names of its inputs."""

from __future__ import annotations

from collections import Counter
from string import Formatter
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.engine.symbol import setting

from .escape import shortened
from .values import number, subscript

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Names", "constant", "formula", "op_name"]

_MANY = 6  # inputs of one op that are all named
_LENGTH = 90  # characters of a formula


class Names(Counter[Any]):
    """How often each name was given in a picture, so that no two vertices have the same."""

    def own(self, name: str, around: Any = ()) -> str:
        """The user's `name`, with a stroke for each earlier vertex of that name in the same frame."""
        self[name, around] += 1
        return name + "′" * (self[name, around] - 1)

    def numbered(self, letter: str) -> str:
        """The `letter` with the next number."""
        self[letter] += 1
        return self.own(f"{letter}{subscript(self[letter])}")


def formula(op: Any, names: list[str], static: Mapping[str, Any]) -> str:
    """The label of the op, such as ``x @ W + b``, with the `names` of its inputs."""
    fields: dict[str, Any] = {key: setting(value) for key, value in static.items()}
    fields.update(zip(op.inputs[: op.fixed], names, strict=False))
    if op.variadic:
        rest = names[op.fixed :]
        rest = rest if len(rest) <= _MANY else [*rest[:2], "…", rest[-1]]
        fields[op.inputs[-1]] = ", ".join(rest)
        for name in names[op.fixed :] if "index" in fields else ():  # each stands where the index has a hole
            fields["index"] = fields["index"].strip("()").rstrip(",").replace("·", name, 1)
    return shortened(Formatter().vformat(op.label, (), fields), _LENGTH)


def op_name(op: Any) -> str:
    """The name of an op as people say it.

    >>> from micrograd_np.core.primitive import registry
    >>> op_name(registry["_einsum"]), op_name(registry["log_softmax"])
    ('einsum', 'log softmax')
    """
    return str(op.name).lstrip("_").replace("_", " ")


def constant(x: Any) -> str:
    """What a number or an array without a name is called."""
    return "array" if np.ndim(x) or x is None else number(x, 6)
