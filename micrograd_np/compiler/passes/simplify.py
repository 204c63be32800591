"""Passes that make a program shorter and keep every bit of what it computes."""

from __future__ import annotations

from copy import copy as shallow
from typing import TYPE_CHECKING, Any

import numpy as np

from ..program import STATIC, Line, Storage, Value, mapped
from ..tracing.record import Literal

if TYPE_CHECKING:
    from ..program import Program

ELEMENTWISE = frozenset(
    f"np.{name}"
    for name in vars(np)  # dir(np) would import what NumPy loads lazily, its testing tools among it
    if isinstance(getattr(np, name), np.ufunc) and getattr(np, name).signature is None
)
"""Calls that treat every element alike, so that a uniform operand may stand as one number."""

_OUTLIVES = ("state", "gradient", "input")  # memory that somebody outside the step sees

_LARGE = 4096  # bytes up to which a folded array may replace a number and the work of spreading it


def drop_dead_lines(program: Program) -> int:
    """Remove lines that nothing needs: not the results, not the state that outlives the step, not the draws."""
    needed: set[int] = {id(v.storage) for v in program.result_values()}
    used: set[int] = {id(v) for v in program.result_values()}
    kept: list[Line] = []
    for line in reversed(program.lines):
        target = line.target
        if line.made in ("view", "fresh"):
            alive = target is not None and (
                id(target) in used or (line.made == "fresh" and id(target.storage) in needed)
            )
        else:
            alive = target is not None and (id(target.storage) in needed or target.storage.kind in _OUTLIVES)
        if not (alive or line.effect):
            continue
        kept.append(line)
        if target is not None:
            needed.add(id(target.storage))
            if line.made != "view":
                used.add(id(target))  # a write into a view needs the view
        for v in line.read():
            needed.add(id(v.storage))
            used.add(id(v))
    dropped = len(program.lines) - len(kept)
    program.lines[:] = reversed(kept)
    return dropped


def fold_constants(program: Program) -> int:
    """Compute once what depends on nothing that changes: seeds, counts, index ranges, and views of them."""
    fixed: dict[int, np.ndarray[Any, Any]] = {}
    spoiled: set[int] = set()  # storages that some line writes for real
    while True:
        fixed.clear()
        candidates = set()
        before = len(spoiled)
        for line in program.lines:
            if line.effect or line.target is None:
                if line.target is not None:
                    spoiled.add(id(line.target.storage))
                continue
            s = line.target.storage
            known = all(  # a view may be made before what it sees is written
                v.storage.kind == "constant" or id(v.storage) in fixed or (line.made == "view" and v.storage is s)
                for v in line.read()
            )
            if known and id(s) not in spoiled and s.kind in ("buffer", "fresh", "constant"):
                fixed[id(s)] = np.empty(0)
                candidates.add(id(line))
            elif line.made != "view":
                spoiled.add(id(s))
        if len(spoiled) == before:
            break
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
            if line.made == "out":
                line.call(*args, **kwargs, out=array(line.target))
            elif line.made == "in":
                line.call(*args, **kwargs)
            else:
                arrays[id(line.target)] = np.asarray(line.call(*args, **kwargs))
        touched[id(line.target)] = line.target
    for v in touched.values():
        a = arrays[id(v)]
        v.storage = Storage("constant", a)
        v.view, v.name, v.hint = False, "", ""
    program.lines[:] = [line for line in kept if not _keeps_all(line)]
    _uniform_to_numbers(program)
    return len(candidates)


def _keeps_all(line: Line) -> bool:
    """Whether a line would clear what a constant mask keeps out, which is nothing."""
    if line.function != "routine.clear":
        return False
    storage = line.args[1].storage
    return storage.kind == "constant" and bool(storage.array.all())


def _uniform_to_numbers(program: Program) -> None:
    """An operand all of whose elements are equal becomes a 0-d array where broadcasting does the rest."""
    for line in program.lines:
        if line.function not in ELEMENTWISE or line.target is None:
            continue
        shapes = [v.shape if isinstance(v, Value) else () for v in line.args]
        args = list(line.args)
        for i, v in enumerate(args):
            if not isinstance(v, Value) or v.storage.kind != "constant" or not v.shape or v.storage.array is None:
                continue
            a = v.storage.array
            rest = [shape for j, shape in enumerate(shapes) if j != i]
            if a.size and rest and np.broadcast_shapes(*rest) == line.target.shape and bool((a == a.flat[0]).all()):
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


def merge_repeats(program: Program) -> int:
    """One line for equal calls on unchanged operands."""
    writes: dict[int, list[int]] = {}
    for i, line in enumerate(program.lines):
        target = line.writes()
        if target is not None:
            writes.setdefault(id(target.storage), []).append(i)
    replaced: dict[int, Value] = {}
    moved: dict[int, Storage] = {}
    seen: dict[Any, tuple[int, Line]] = {}
    kept = []
    returned = {id(v.storage) for v in program.result_values()}

    def current(v: Value) -> Value:
        return replaced.get(id(v), v)

    for i, line in enumerate(program.lines):
        if replaced:
            line.substitute(current)
        if line.target is not None and line.made in ("out", "in"):
            line.target = current(line.target)  # a view of the destination may be a repeat
        target = line.target
        key = _key(line)
        if line.made == "view" and target is not None:
            target.storage = moved.get(id(target.storage), target.storage)
        if target is None or key is None or (line.made == "in" and not _copies(line)) or line.effect:
            kept.append(line)
            continue
        if line.made != "view" and (len(writes.get(id(target.storage), ())) != 1 or target.storage.kind in _OUTLIVES):
            kept.append(line)
            continue
        earlier = seen.get(key)
        if earlier is not None and (line.made == "view" or id(target.storage) not in returned):
            j, twin = earlier
            if line.made == "view" or not any(j < w < i for v in line.read() for w in writes.get(id(v.storage), ())):
                assert twin.target is not None
                replaced[id(target)] = twin.target
                if line.made != "view":
                    moved[id(target.storage)] = twin.target.storage
                    twin.target.name = twin.target.name or target.name
                continue
        seen[key] = (i, line)
        kept.append(line)
    dropped = len(program.lines) - len(kept)
    program.lines[:] = kept
    if replaced:
        _replace_results(program, replaced)
    return dropped


def _copies(line: Line) -> bool:
    """Whether a line does nothing but fill a whole buffer with a copy."""
    v = line.target
    whole = v is not None and v is line.args[0] and not v.view and v.storage.kind == "buffer"
    return whole and line.function == "np.copyto" and not line.kwargs


def _key(line: Line) -> Any:
    args = line.args
    if line.made == "in" and _copies(line):
        args = (args[0].shape, args[0].dtype, args[0].strides, args[1])
    try:
        key = (line.function, line.made, _frozen(args), _frozen(tuple(sorted(line.kwargs.items()))))
        hash(key)
    except TypeError:
        return None
    return key


def _frozen(x: Any) -> Any:
    if isinstance(x, Value):
        return ("value", id(x))
    if isinstance(x, (tuple, list)):
        return tuple(_frozen(part) for part in x)
    if isinstance(x, slice):
        return ("slice", x.start, x.stop, x.step)
    if isinstance(x, Literal):
        return ("literal", id(x.thing))
    return (type(x).__name__, x)


def _replace_results(program: Program, replaced: dict[int, Value]) -> None:
    program.results = mapped(program.results, lambda v: replaced.get(id(v), v))
    program.gradients_out = [(t, None if v is None else replaced.get(id(v), v)) for t, v in program.gradients_out]


def merge_constants(program: Program) -> None:
    """Equal constants are one."""
    known: dict[Any, Value] = {}

    def one(v: Value) -> Value:
        a = v.storage.array
        if v.storage.kind != "constant" or v.view or v.name or a is None or a.nbytes > _LARGE:
            return v
        return known.setdefault((a.shape, a.dtype, a.tobytes()), v)

    for line in program.lines:
        if line.made in ("out", "fresh"):  # which do not write what they are given
            line.substitute(one)


def merge_repeated_buffers(program: Program) -> int:
    """One buffer for two that the same lines fill, one after another; how many lines that saved."""
    lines = program.lines
    touching = _touching(program)
    writes: dict[int, list[int]] = {}
    for i, line in enumerate(lines):
        target = line.writes()
        if target is not None:
            writes.setdefault(id(target.storage), []).append(i)
    known: dict[Any, tuple[list[int], Value]] = {}
    replaced: dict[int, Value] = {}
    gone: set[int] = set()
    for line in list(lines):
        z = line.target
        if z is None or z.view or z.storage.kind != "buffer" or z.storage.begins is not None or id(z) in replaced:
            continue
        group = writes.get(id(z.storage), [])
        if len(group) < 2 or line is not lines[group[0]]:
            continue
        inside = [i for i in touching[id(z.storage)] if i <= group[-1]]
        alone = set(inside) == set(group) and touching[id(z.storage)][-1] < len(lines)
        if not alone or any(lines[i].target is not z or lines[i].effect for i in group):
            continue

        def told(v: Value, z: Value = z) -> Value:
            return _SELF if v is z else replaced.get(id(v), v)

        members = [shallow(lines[i]) for i in group]
        for member in members:
            member.substitute(told)
        key = tuple(map(_key, members))
        if None in key:
            continue
        if key not in known:
            known[key] = group, z
            continue
        before, twin = known[key]
        read = {id(v.storage) for member in members for v in member.read() if v is not _SELF}
        if any(before[0] < w <= group[-1] for s in read for w in writes.get(s, ())):
            continue
        replaced[id(z)] = twin
        gone.update(group)
    if not replaced:
        return 0
    for line in lines:
        line.substitute(lambda v: replaced.get(id(v), v))
    program.lines[:] = [line for i, line in enumerate(lines) if i not in gone]
    return len(gone)


_SELF = Value(Storage("buffer"), (), np.dtype(bool))
"""Stands for the buffer that lines fill, where only what they do is compared."""


def negate_what_is_small(program: Program) -> int:
    """exp(−(x + b)) as exp((−b) − x), where b is smaller than x: one pass over the large array instead of two.

    Rounding is symmetric, so only the sign of a zero can differ, and exp does not see it.
    """
    done = 0
    lines = program.lines
    touching = _touching(program) if any(line.function == "np.negative" for line in lines) else {}
    for j, line in enumerate(lines):
        if line.function != "np.negative" or line.made != "out" or line.target is None:
            continue
        (t,) = line.args
        i = next((i for i in range(j - 1, -1, -1) if lines[i].target is not None and lines[i].writes() is t), None)
        if i is None or not _is_sum_of_unequal(lines[i]) or t.storage.kind != "buffer" or t.view:
            continue
        later = [k for k in touching[id(t.storage)] if k > i and k != j]
        if later or not _for_exp_alone(lines, j, touching):
            continue
        x, b = sorted(lines[i].args, key=lambda v: -v.nbytes)
        written = (lines[k].writes() for k in range(i + 1, j))
        if any(v is not None and v.storage is x.storage for v in written):
            continue  # x will be read later than it was
        negated = Value(Storage("buffer"), b.shape, b.dtype, hint="negated")
        lines[i] = Line("np.negative", np.negative, (b,), {}, negated, "out", line.section, lines[i].where)
        lines[j] = Line("np.subtract", np.subtract, (negated, x), {}, line.target, "out", line.section, line.where)
        touching[id(x.storage)].append(j)
        done += 1
    return done


def _touching(program: Program) -> dict[int, list[int]]:
    """By storage: which lines read or write it, in order; the number of lines, if it leaves the step."""
    found: dict[int, list[int]] = {}
    for k, line in enumerate(program.lines):
        for v in operands(line):
            found.setdefault(id(v.storage), []).append(k)
    for v in program.result_values():
        found.setdefault(id(v.storage), []).append(len(program.lines))
    return found


def _for_exp_alone(lines: list[Line], j: int, touching: dict[int, list[int]]) -> bool:
    """Whether nobody but one exp sees what line `j` computes."""
    target = lines[j].target
    assert target is not None
    readers = sorted({k for k in touching[id(target.storage)] if k > j})
    if not readers or readers[0] == len(lines):
        return False
    exp = lines[readers[0]]
    if exp.function != "np.exp" or exp.made != "out" or exp.args[0] is not target or exp.target is None:
        return False
    return len(readers) == 1 or exp.target is target  # in place, so that later readers see the exponential


def _is_sum_of_unequal(line: Line) -> bool:
    """Whether `line` adds two values, one of which is broadcast."""
    return (
        line.function == "np.add"
        and line.made == "out"
        and all(isinstance(v, Value) for v in line.args)
        and len({v.dtype for v in line.args}) == 1
        and len({v.nbytes for v in line.args}) == 2
        and line.target is not None
        and any(v.shape == line.target.shape for v in line.args)
    )


def static(v: Value) -> bool:
    """Whether the address of `v` is the same in every call."""
    return v.storage.kind in STATIC


def operands(line: Line) -> list[Value]:
    """Everything a line touches."""
    return [*line.read(), line.target] if line.target is not None else [*line.read()]
