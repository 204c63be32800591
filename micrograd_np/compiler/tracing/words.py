"""Names for the values inside kernels: the kernel's own words for them, or else a noun for how they are made."""

from __future__ import annotations

import numpy as np

from ..ir import Label, Value
from ..program import Program

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
        self.said: list[tuple[str, Label]] = []
        self.copies: list[tuple[Label, Label]] = []
        """What was copied to be laid out anew, and what of."""

    def hear(self, name: str, label: Label) -> None:
        """Note what a function calls an array, where that is a word for it; the first name stays."""
        if len(name) >= _SHORT and name not in _SAY_NOTHING:
            self.said.append((name, label))

    def tell(self) -> None:
        """Hints for what has no better name: a view of what the user has a name for keeps that name in it."""
        heard = {label: name.strip("_") for name, label in reversed(self.said)}
        for label, word in heard.items():
            relation, of = label.hint if isinstance(label.hint, tuple) else (None, None)
            if not label.name and (relation == "part" or not label.hint):
                label.hint = (word, of) if of is not None and of.name else word
        for label, of in self.copies:
            label.hint = label.hint or ("copy", of)


def name_by_making(program: Program) -> None:
    """Hints for what still has none, after the line that makes it."""
    counts: set[Value] = set()
    for op in program.ops:
        v = op.result
        if v is None or v.label.name or op.effect == "view":
            continue
        read = [x for x in op.reads if x is not v]
        counted = len(read) == 1 and (
            (op.function == "np.add.reduce" and read[0].dtype == np.bool_) or read[0].root in counts
        )
        if counted and v.label.hint in ("", "sum", "astype"):
            counts.add(v)
            v.label.hint = "count"
        elif not v.label.hint:
            v.label.hint = "mask" if v.dtype == np.bool_ else _NOUNS.get(op.function, "")
