"""Negations that need not be computed: a sum takes the other sign as a difference, a product hands it on.

x + (−y) is x − y, (−x) · y is −(x · y) and −(−x) is x in every bit (but the sign of a nan, which means nothing).
"""

from __future__ import annotations

import numpy as np

from ..ir import Label, Op, Value
from ..operations import elementwise
from ..program import Program

_PRODUCTS = ("np.multiply", "np.true_divide")


def absorb_signs(program: Program) -> int:
    """Drop negations whose readers can all take the other sign; how many operations that saved."""
    negations = [op for op in program.ops if op.function == "np.negative"]
    if not negations:
        return 0
    uses, needed = program.uses(), set(program.needed())
    gone: set[Op] = set()
    replaced: dict[Value, Value] = {}
    for op in negations:
        if op not in gone and _is_arithmetic(op, needed):
            plan = _Plan(op, uses, needed, gone)
            if plan.holds:
                plan.carry_out(replaced)
                gone |= plan.gone
    program.ops[:] = [op for op in program.ops if op not in gone]
    program.replace(replaced)
    return len(gone)


def _is_arithmetic(op: Op, needed: set[Value]) -> bool:
    """Whether an operation computes numbers, and nothing that leaves."""
    z = op.result
    return (
        z is not None
        and elementwise(op)
        and op.unit is None
        and z.dtype.kind in "fc"  # integers wrap
        and z not in needed
    )


class _Plan:
    """What becomes of the readers if a negation is left out; `holds` if all of them can do without."""

    def __init__(self, negation: Op, uses: dict[Value, list[Op]], needed: set[Value], gone: set[Op]) -> None:
        self.uses, self.needed = uses, needed
        self.gone = {negation}
        self.opposite: dict[Value, Value] = {}  # by value: what will hold its negative
        self.changes: dict[Op, tuple[str, tuple[Value, ...]]] = {}
        self.same: dict[Value, Value] = {}  # by value that a second negation made: what it will be
        x, z = negation.args[0], negation.result
        self.holds = isinstance(x, Value) and z is not None
        if z is None or not self.holds:
            return
        self.opposite[z] = x
        waiting = [z]
        while waiting and self.holds:
            v = waiting.pop()
            for op in uses.get(v, ()):
                self.holds = self.holds and op not in gone and self._change(op, v, waiting)

    def _change(self, op: Op, v: Value, waiting: list[Value]) -> bool:
        """Plan that `op`, which reads `v`, reads the negative; False if it cannot."""
        if not elementwise(op) or op.unit is not None or op.result is None:
            return False
        if sum(x is v for x in op.args) != 1 or any(x is not v and x in self.opposite for x in op.args):
            return False
        minus = self.opposite[v]
        rest = [x for x in op.args if x is not v]
        if op.function == "np.add":
            self.changes[op] = "subtract", (rest[0], minus)
            return True
        if op.function == "np.subtract" and op.args[1] is v:
            self.changes[op] = "add", (rest[0], minus)
            return True
        z = op.result
        if z.label.name or not _is_arithmetic(op, self.needed):
            return False
        if op.function == "np.negative":
            self.same[z] = minus
            self.gone.add(op)
            return True
        if op.function in _PRODUCTS:
            self.changes[op] = op.function.removeprefix("np."), tuple(minus if x is v else x for x in op.args)
            hint = z.label.hint
            label = Label("", ("minus_d", hint[1])) if isinstance(hint, tuple) and hint[0] == "d" else z.label
            self.opposite[z] = Value(z.shape, z.dtype, z.strides, label)
            waiting.append(z)
            return True
        return False

    def carry_out(self, replaced: dict[Value, Value]) -> None:
        """Change the operations; `replaced` gets what stands for other values from now on."""
        for op, (name, args) in self.changes.items():
            z = op.result
            assert z is not None
            op.function, op.call = f"np.{name}", getattr(np, name)
            op.set_args(args)
            if z in self.opposite:
                op.result = self.opposite[z]
                op.result.op = op
            for v in op.reads:
                if op not in self.uses.setdefault(v, []):
                    self.uses[v].append(op)
        for z, v in self.same.items():
            for op in self.uses.get(z, ()):
                op.substitute({z: v})
                self.uses.setdefault(v, []).append(op)
        replaced |= self.same
