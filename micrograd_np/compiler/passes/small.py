"""What matters where arrays are small and each call of NumPy costs more than its arithmetic.

Operands get the number of axes that the result has, by views made once: then NumPy walks one loop over all, which takes
a third of the time. And a result is made by its last operation, instead of copied from a buffer.
"""

from __future__ import annotations

import numpy as np

from ..ir import STATIC, Label, Op, Value, natural, values_in
from ..operations import elementwise
from ..program import Program

_SMALL = 64 * 1024  # bytes of a result up to which the calls cost more than the memory


def match_axes(program: Program) -> int:
    """Give operands the leading axes of length one that their results have; how many operands that were."""
    rows: dict[tuple[Value, tuple[int, ...]], Value] = {}
    ops: list[Op] = []
    count = 0
    for op in program.ops:
        z = op.result
        if z is not None and elementwise(op) and z.nbytes <= _SMALL:
            args = list(op.args)
            for i, v in enumerate(args):
                if not isinstance(v, Value) or not v.shape or v.is_view or v.strides is not None:
                    continue
                missing = len(z.shape) - len(v.shape)
                if missing <= 0 or z.shape != (1,) * missing + v.shape or v.kind not in (*STATIC, "buffer"):
                    continue
                row = rows.get((v, z.shape))
                if row is None:
                    row = rows[v, z.shape] = Value(z.shape, v.dtype, label=Label("", ("row", v.label)))
                    ops.append(Op("np.reshape", np.reshape, (v, z.shape), {}, row, "view", v, op.section))
                args[i] = row
                count += 1
            op.set_args(tuple(args))
        ops.append(op)
    program.ops[:] = ops
    return count


def make_results_last(program: Program) -> int:
    """Let NumPy allocate a result that nobody reads on the way, instead of copying a buffer; how many copies go."""
    read = {v for op in program.ops for v in op.reads}
    read |= {v for _, v in program.gradients_out if v is not None} | set(program.stores.values())
    count = 0
    for v in dict.fromkeys(values_in(program.results)):
        op = v.op
        if op is None or v in read or not v.shape or v.nbytes > _SMALL:
            continue
        if (elementwise(op) or (op.function == "np.dot" and op.effect == "new")) and natural(op) == (v.shape, v.dtype):
            op.effect = "fresh"
            count += 1
    return count
