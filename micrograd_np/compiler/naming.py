"""Names of values in emitted programs: the user's own, or nouns for what they are."""

from __future__ import annotations

import keyword
import re
from typing import Any

import numpy as np

from .ir import Label, Value
from .operations import uniform

_NOUNS = {
    "add": "total", "subtract": "difference", "multiply": "product", "divide": "quotient", "square": "squares",
    "negative": "negated", "matmul": "matrix", "sum": "total", "transpose": "transposed", "sum_to": "total",
    "broadcast_to": "spread", "reshape": "reshaped", "where": "chosen", "view": "part", "scatter_slice": "placed",
    "astype": "converted", "softmax_cross_entropy": "losses", "bce_with_logits": "losses", "bce": "losses",
    "masked_keep": "kept", "masked_zero": "kept", "one_hot_mask": "onehot",
    "embedding_lookup": "rows", "gather_labels": "picked", "scale_and_weight": "scaled", "subtract_mean": "centred",
}  # fmt: skip
_PART = re.compile(r"_part(_\d+)?$")
_NUMBERS = {0: "zero", 1: "one", 2: "two", 0.5: "half", -1: "minus_one"}


class Names:
    """Identifiers that are taken, and those of values, by whatever tells values apart."""

    def __init__(self, *taken: str) -> None:
        self.taken = set(taken)
        self.counts: dict[str, int] = {}  # by name: the number that the next one of that name gets
        self.named: dict[Any, str] = {}
        self.words: dict[Label, str] = {}  # what a label was called first, for what is named after it

    def unique(self, wish: str) -> str:
        """`wish` as an identifier that nothing else has."""
        tidy = wish.isidentifier() and wish[0] != "_" != wish[-1]
        name = wish if tidy else re.sub(r"\W+", "_", wish).strip("_") or "value"
        if name[0].isdigit():
            name = f"p{name}"
        if keyword.iskeyword(name):
            name += "_"
        if name in self.taken:
            n = self.counts.get(name, 2)
            while f"{name}_{n}" in self.taken:
                n += 1
            self.counts[name] = n + 1
            name = f"{name}_{n}"
        self.taken.add(name)
        return name

    def name(self, key: Any, v: Value) -> str:
        """The name of `v`, which all values of this key share."""
        name = self.named.get(key)
        if name is None:
            name = self.named[key] = self.unique(self._wish(v.label) or _number_name(v))
            self.words.setdefault(v.label, name)
        return name

    def wish(self, v: Value) -> str:
        """What to call a value, if it has a name or a hint."""
        return self._wish(v.label)

    def _wish(self, label: Label) -> str:
        if label.name:
            return label.name
        if not isinstance(label.hint, tuple):
            return str(_NOUNS.get(label.hint, label.hint))
        relation, of = label.hint
        wish = self.words.get(of) or self._wish(of) or "t"
        if relation == "part":  # a part of a part is a part
            wish = _PART.sub("", wish) if "_part" in wish else wish
        return f"{relation}_{wish}" if relation in ("d", "minus_d") else f"{wish}_{relation}"


def _number_name(v: Value) -> str:
    """A name for what has none: of a constant, its value in words or digits, where it is one number."""
    a = v.constant
    if a is None:
        return "t"
    if v.shape and a.size and a.flat[0] in (0, 1) and uniform(a):
        return "ones" if a.flat[0] else "zeros"
    if v.shape != () or not np.isfinite(a):
        return "constant"
    x = a.item()
    return _NUMBERS.get(x) or f"c{x:.4g}".replace("-", "m").replace(".", "p").replace("+", "")
