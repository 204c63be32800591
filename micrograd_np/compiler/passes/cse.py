"""Common subexpression elimination: equal calls on equal operands are one."""

from __future__ import annotations

from typing import Any

from ..ir import Op, Value, frozen
from ..operations import ELEMENTWISE
from ..program import Program

_SMALL = 4096  # bytes up to which constants are compared


def merge_repeats(program: Program) -> int:
    """One operation for equal calls on equal operands; how many go.

    Values are numbered: equal numbers mean equal contents. Of two equal values one stands for both, unless an update
    writes into either: then its memory is needed, although what is made of the two may be one again.
    """
    updated = {op.of.root for op in program.ops if op.effect == "update" and op.of is not None}
    products = _Products(program)
    first: dict[Any, Value] = {}
    number: dict[Value, Value] = {}  # by value: the first that is equal
    replaced: dict[Value, Value] = {}
    before = len(program.ops)

    def numbered(v: Value) -> Any:
        a = None if v in number or v.memory is None else v.constant
        if a is not None and a.nbytes <= _SMALL and not v.label.name:  # how it lies in memory decides how products sum
            number[v] = first.setdefault((a.shape, a.strides, a.dtype, a.tobytes()), v)
            if number[v] is not v:
                replaced[v] = number[v]
        return number.get(v, v)

    for op in program.ops:
        key, z = _key(op, numbered), op.result
        twin = None if key is None or z is None else first.setdefault(key, z)
        if z is None or twin is None or twin is z:
            continue
        number[z] = number.get(twin, twin)
        one_base = z.is_view and replaced.get(twin.base, twin.base) is replaced.get(z.base, z.base)
        free = one_base or updated.isdisjoint((twin.root, z.root))  # of views of one value all may be one
        if free and (op.effect == "view" or products.unite(twin, z)):
            replaced[z] = twin
            twin.label.name = twin.label.name or z.label.name
    program.replace(replaced)
    return before - len(program.ops)


class _Products:
    """Which values meet as operands: a product of a matrix with itself rounds otherwise than of two equal ones."""

    def __init__(self, program: Program) -> None:
        self.others: dict[Value, set[Value]] = {}
        for op in program.ops:
            if op.effect != "view" and op.function not in ELEMENTWISE:
                met = {v.root for v in op.reads}
                for v in met:
                    self.others.setdefault(v, set()).update(met - {v})

    def unite(self, value: Value, twin: Value) -> bool:
        """Whether one may stand for both, in which case it does from here on."""
        mine = self.others.setdefault(value, set())
        if twin in mine:
            return False
        for other in self.others.get(twin, ()):
            mine.add(other)
            self.others[other].add(value)
        return True


def _key(op: Op, numbered: Any) -> Any:
    """What equal operations have in common; None for one that stays as it is."""
    z = op.result
    if z is None or op.must_run or op.effect == "loop":
        return None
    of = None if op.of is None else numbered(op.of)
    try:
        if op.effect == "view" and len(op.reads) == 1:
            key: Any = of, op.shows
        else:
            args, kwargs = frozen(op.args, numbered), frozen(op.kwargs, numbered)
            key = op.function, op.effect, of, args, kwargs, z.shape, z.dtype, z.strides
        hash(key)
    except TypeError:
        return None
    return key
