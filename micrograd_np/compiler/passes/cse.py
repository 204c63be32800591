"""Common subexpression elimination: equal calls on equal operands are one."""

from __future__ import annotations

from collections.abc import Callable
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
    number: dict[Any, Value] = {}  # by value: the first that is equal
    replaced: dict[Value, Value] = {}
    before = len(program.ops)

    def numbered(v: Value) -> Value:
        if v not in number:
            a, number[v] = v.constant, v
            if a is not None and a.nbytes <= _SMALL and not v.label.name:  # products sum by how it lies in memory
                number[v] = first.setdefault((a.shape, a.strides, a.dtype, a.tobytes()), v)
                replaced.update({v: number[v]} if number[v] is not v else {})
        return number[v]

    for op in program.ops:
        z = op.result
        if z is None or op.must_run or op.effect == "loop":
            continue
        of = op.of
        try:
            if of is not None:
                of = number.get(of) or numbered(of)
            alone = op.effect == "view" and len(op.reads) == 1
            twin = first.setdefault((of, op.shows) if alone else _key(op, z, of, number, numbered), z)
        except TypeError:  # an argument that cannot be compared
            continue
        number[z] = number.get(twin, z)
        if twin is z:
            continue
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


def _key(op: Op, z: Value, of: Any, number: dict[Any, Value], numbered: Callable[[Value], Value]) -> Any:
    """What operations have in common whose results, such as `z`, are equal; `number` holds what is numbered already."""
    args = tuple([number.get(x) or numbered(x) if type(x) is Value else frozen(x, numbered) for x in op.args])
    return op.function, op.effect, of, args, frozen(op.kwargs, numbered), z.shape, z.dtype, z.strides
