"""What is the same in every call is computed once, and stands as a number where it is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..dataflow import ELEMENTWISE, uniform
from ..program import Line, Storage, Value, mapped

if TYPE_CHECKING:
    from ..program import Program


_SHORT, _LONG = 1024, 1 << 24  # bytes of an array between which a bound is worth an array of its own

_BOUNDING = ("np.maximum", "np.minimum")

_LARGE = 4096  # bytes up to which a folded array may replace a number and the work of spreading it


def _foldable(program: Program) -> set[int]:
    """The ids of lines that compute the same in every call, and whose results nobody sees before they are complete."""
    spoiled: set[int] = set()  # storages that some line writes for real
    while True:
        fixed: set[int] = set()
        candidates: set[int] = set()
        last: dict[int, int] = {}
        before = len(spoiled)
        for i, line in enumerate(program.lines):
            if line.target is None:
                continue
            s = line.target.storage
            if line.must_run:
                spoiled.add(id(s))
                continue
            known = all(  # a view may be made before what it sees is written
                (v.storage.kind == "constant" and id(v.storage) not in spoiled)
                or id(v.storage) in fixed
                or (line.effect == "view" and v.storage is s)
                for v in line.read()
            )
            if known and id(s) not in spoiled and s.kind in ("buffer", "fresh", "constant"):
                fixed.add(id(s))
                candidates.add(id(line))
                if line.effect != "view":
                    last[id(s)] = i
            elif line.effect != "view":
                spoiled.add(id(s))
        for i, line in enumerate(program.lines):
            if id(line) not in candidates:  # whoever reads what is changed later has to see it change
                spoiled |= {id(v.storage) for v in line.read() if last.get(id(v.storage), -1) > i}
        if len(spoiled) == before:
            return candidates


def fold_constants(program: Program, *, bounds: bool = True) -> int:
    """Compute once what depends on nothing that changes: seeds, counts, index ranges, and views of them."""
    candidates = _foldable(program)
    arrays: dict[int, Any] = {}
    touched: dict[int, Value] = {}

    def array(v: Value) -> Any:
        if id(v) not in arrays:
            if v.storage.kind == "constant":
                arrays[id(v)] = v.storage.array
            else:  # perhaps filled through views of it only, which rely on how it is laid out
                memory = np.empty(v.nbytes, np.uint8)
                arrays[id(v)], touched[id(v)] = np.ndarray(v.shape, v.dtype, memory, 0, v.strides), v
        return arrays[id(v)]

    kept = []
    for line in program.lines:
        if id(line) not in candidates or line.target is None:
            kept.append(line)
            continue
        args, kwargs = mapped(line.args, array), mapped(line.kwargs, array)
        with np.errstate(all="ignore"):
            if line.effect == "out":
                line.call(*args, **kwargs, out=array(line.target))
            elif line.effect == "in":
                line.call(*args, **kwargs)
            else:
                arrays[id(line.target)] = np.asarray(line.call(*args, **kwargs))
        touched[id(line.target)] = line.target
    for v in touched.values():
        a = arrays[id(v)]
        v.storage = Storage("constant", a)
        v.view, v.name, v.hint = False, "", ""
    program.lines[:] = [line for line in kept if not _keeps_all(line)]
    _uniform_to_numbers(program, bounds=bounds)
    return len(candidates)


def _keeps_all(line: Line) -> bool:
    """Whether a line would clear what a constant mask keeps out, which is nothing."""
    if line.function != "routine.clear":
        return False
    storage = line.args[1].storage
    return storage.kind == "constant" and bool(storage.array.all())


def _uniform_to_numbers(program: Program, *, bounds: bool) -> None:
    """An operand all of whose elements are equal becomes a 0-d array where broadcasting does the rest.

    With `bounds`, not where it is a bound.
    """
    for line in program.lines:
        if line.function not in ELEMENTWISE or line.target is None:
            continue
        if line.function == "np.power" or (bounds and line.function in _BOUNDING):  # other loops, other last bits
            continue
        shapes = [v.shape if isinstance(v, Value) else () for v in line.args]
        args = list(line.args)
        for i, v in enumerate(args):
            if not isinstance(v, Value) or v.storage.kind != "constant" or not v.shape or v.storage.array is None:
                continue
            a = v.storage.array
            rest = [shape for j, shape in enumerate(shapes) if j != i]
            if a.size and rest and np.broadcast_shapes(*rest) == line.target.shape and uniform(a):
                number = np.array(a.flat[0], a.dtype)
                args[i], shapes[i] = Value(Storage("constant", number), (), a.dtype), ()
        line.args = tuple(args)


def numbers_to_arrays(program: Program) -> int:
    """Bare numbers beside an array become 0-d arrays of its type, for which NumPy takes half the time, bit for bit."""
    made: dict[tuple[Any, Any], Value] = {}
    count = 0
    for line in program.lines:
        if line.function not in ELEMENTWISE or line.function == "np.power" or line.target is None:
            continue
        dtypes = {v.dtype for v in line.args if isinstance(v, Value)}
        if len(dtypes) != 1:
            continue
        (dtype,) = dtypes
        args = list(line.args)
        for i, x in enumerate(args):
            if type(x) in (int, float) and dtype.kind == "f":
                key = (repr(x), dtype)
                if key not in made:
                    made[key] = Value(Storage("constant", np.array(x, dtype)), (), dtype)
                args[i] = made[key]
                count += 1
        line.args = tuple(args)
    return count


def spread_bounds(program: Program) -> int:
    """Numbers that arrays are compared with become arrays: NumPy's maximum of two arrays takes a third of the time."""
    made: dict[Any, Value] = {}
    count = 0
    for line in program.lines:
        z = line.target
        if line.function not in _BOUNDING or line.effect != "out" or z is None or len(line.args) != 2:
            continue
        x, bound = line.args
        if not isinstance(x, Value) or not isinstance(bound, Value) or x.shape != z.shape or z.strides is not None:
            continue
        if bound.shape != () or bound.storage.kind != "constant" or bound.dtype != x.dtype or x.view:
            continue
        if not _SHORT < z.nbytes <= _LONG:
            continue
        number: Any = bound.storage.array
        if number == 0 or not np.isfinite(number):
            continue  # which of two zeros is the larger may depend on how many there are
        key = number.tobytes(), z.shape, z.dtype
        if key not in made:
            full = np.full(z.shape, number, z.dtype)
            made[key] = Value(Storage("constant", full), z.shape, z.dtype, hint="bounds")
        line.args = (x, made[key])
        count += 1
    return count


def merge_constants(program: Program) -> None:
    """Equal constants are one, if they lie in memory alike as well, in whose order products sum."""
    known: dict[Any, Value] = {}

    def one(v: Value) -> Value:
        a = v.storage.array
        if v.storage.kind != "constant" or v.view or v.name or a is None or a.nbytes > _LARGE:
            return v
        return known.setdefault((a.shape, a.strides, a.dtype, a.tobytes()), v)

    for line in program.lines:
        if line.effect in ("out", "fresh"):  # which do not write what they are given
            line.substitute(one)
