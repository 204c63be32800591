"""Names for the values inside kernels: the kernel's own words for them, or else a noun for how they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..program import Program, Value

_NOUNS = {
    "np.maximum.reduce": "peak", "np.add.reduce": "total", "np.exp": "exponentials", "np.log": "logs",
    "np.subtract": "difference", "np.add": "total", "np.multiply": "product", "np.true_divide": "quotient",
    "np.square": "squares", "np.sqrt": "root", "np.matmul": "matrix", "np.where": "chosen", "call": "noise",
}  # fmt: skip
_SAY_NOTHING = frozenset(("out", "target", "first", "part", "found", "array", "result"))
_SHORT = 3  # letters: x, y and z are what a kernel calls everything


class Words:
    """What kernels call the arrays that they work on, in their local variables."""

    def __init__(self) -> None:
        self.heard: dict[int, tuple[Value, str]] = {}
        self.copies: dict[int, tuple[Value, Value]] = {}
        """What was copied to be laid out anew, and what of."""

    def hear(self, name: str, v: Value) -> None:
        """Note what a function calls a value; the first name stays."""
        if len(name) >= _SHORT and name not in _SAY_NOTHING:
            self.heard.setdefault(id(v), (v, name.strip("_")))

    def tell(self) -> None:
        """Hints for what has no better name: a view of what the user has a name for keeps that name in it."""
        for v, word in self.heard.values():
            relation, of = v.hint if isinstance(v.hint, tuple) else (None, None)
            if not v.name and (relation == "part" or not v.hint):
                v.hint = (word, of) if of is not None and of.name else word
        for v, of in self.copies.values():
            v.hint = v.hint or ("copy", of)


def name_by_making(program: Program) -> None:
    """Hints for what still has none, after the line that makes it."""
    counts: set[int] = set()
    for line in program.lines:
        v = line.target
        if v is None or v.name or line.effect == "view":
            continue
        read = [x for x in line.read() if x is not v]
        counted = len(read) == 1 and (
            (line.function == "np.add.reduce" and read[0].dtype == np.bool_) or id(read[0].storage) in counts
        )
        if counted and v.hint in ("", "sum", "astype"):
            counts.add(id(v.storage))
            v.hint = "count"
        elif not v.hint and v.storage.kind in ("buffer", "fresh"):
            v.hint = "mask" if v.dtype == np.bool_ else _NOUNS.get(line.function, "")
