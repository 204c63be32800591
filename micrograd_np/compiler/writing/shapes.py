"""Shapes as one says them by hand: results first, their shape after, few views of views, no copies for layout alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..dataflow import RESHAPES, operands, replace_results
from ..program import Line, Storage, Value

if TYPE_CHECKING:
    from ..program import Program

_TRANSPOSES = {"np.transpose": 1, "method.transpose": 1, "np.swapaxes": 2, "method.swapaxes": 2, "attribute.T": 0}
"""What moves axes, and how many arguments that takes at most."""
_Step = tuple[str, Any, tuple[Any, ...], Value]
"""A function, what it calls, its arguments but the first, and the value that it gives."""


def shape_what_is_computed(program: Program) -> None:
    """What is computed into a whole buffer, seen in another shape, is computed, and then seen in the buffer's own."""
    makers = {id(line.target): line for line in program.lines if line.effect == "view"}
    writes = _writes(program)
    for line in list(program.lines):
        z = line.target
        if line.effect != "out" or z is None or not z.view or z.storage.kind != "buffer" or "where" in line.kwargs:
            continue
        old, back = z.storage, _way_back(z, makers)
        if back is None or writes[id(old)][0] is not line or any(v.storage is old for v in line.read()):
            continue
        i = program.lines.index(line)
        before = [w for w in program.lines[:i] if any(v.storage is old for v in w.read())]
        chain = {id(x) for *_, x in back} | {id(z)}
        if any(w.effect != "view" for w in before):
            continue
        if len(writes[id(old)]) == 1:
            shaped = _shaped(line, back, anew=False)
            for v in (*(v for w in program.lines for v in operands(w)), *program.result_values()):
                v.storage = back[-1][-1].storage if v.storage is old else v.storage
            moved = [w for w in before if id(w.target) not in chain]
            rest = [w for w in program.lines[:i] if not any(w is b for b in before)]
            program.lines[:] = [*rest, line, *shaped, *moved, *program.lines[i + 1 :]]
            continue
        whole, after = back[-1][-1], writes[id(old)][1]
        end = program.lines.index(after)
        viewed = {
            id(w.target) for w in program.lines[:end] if w.effect == "view" and any(v.storage is old for v in w.read())
        }
        if after.target is whole and after.effect == "out" and "where" not in after.kwargs and viewed <= chain:
            shaped = _shaped(line, back, anew=True)  # the buffer itself is computed by the line after
            seen: dict[int, Any] = {id(whole): shaped[-1].target}
            for w in program.lines[i + 1 : end + 1]:
                w.substitute(lambda v, seen=seen: seen.get(id(v), v))  # type: ignore[misc]
            program.lines[i + 1 : i + 1] = shaped


def _shaped(line: Line, back: list[_Step], *, anew: bool) -> list[Line]:
    """The steps back, after `line` has been given memory of its own; with values of their own, if `anew`."""
    z = line.target
    assert z is not None
    source = line.target = Value(Storage("buffer"), z.shape, z.dtype, hint=z.hint if isinstance(z.hint, str) else "")
    lines = []
    for function, call, args, x in back:
        v = Value(source.storage, x.shape, x.dtype, hint=x.hint) if anew else x
        v.view, v.storage = True, source.storage
        lines.append(Line(function, call, (source, *args), {}, v, "view", line.section, line.where))
        source = v
    return lines


def _way_back(z: Value, makers: dict[int, Line]) -> list[_Step] | None:
    """How one gets from a view of a whole buffer to the buffer: calls, and the values they give. None if one cannot."""
    back: list[_Step] = []
    v = z
    while v.view:
        line = makers.get(id(v))
        if line is None:
            return None
        x, axes = line.args[0], _axes(line)
        if axes is not None:
            inverse = tuple(sorted(range(len(axes)), key=axes.__getitem__))
            back.append(("method.transpose", np.ndarray.transpose, (inverse,), x))
        elif line.function in RESHAPES and not line.kwargs:
            back.append(("method.reshape", np.ndarray.reshape, (x.shape,), x))
        else:
            return None
        v = x
    return back


def _axes(line: Line) -> tuple[int, ...] | None:
    """Where the axes of what a transpose gives come from; None if the line is no transpose."""
    if line.function not in _TRANSPOSES or line.kwargs or len(line.args) > _TRANSPOSES[line.function] + 1:
        return None
    x, *args = line.args
    axes = list(range(len(x.shape)))
    if "swapaxes" in line.function:
        i, j = args
        axes[i], axes[j] = axes[j], axes[i]
        return tuple(axes)
    return tuple(axis % len(axes) for axis in args[0]) if args and args[0] is not None else tuple(axes[::-1])


def merge_views(program: Program) -> None:
    """A reshape of a reshape is one reshape, and a transpose of a transpose one transpose, or nothing at all."""
    replaced: dict[int, Value] = {}
    makers: dict[int, Line] = {}
    kept = []
    for line in program.lines:
        line.substitute(lambda v: replaced.get(id(v), v))
        v = line.target
        if v is not None and id(v) in replaced:
            line.target = replaced[id(v)]
        if line.effect == "view" and v is not None and _merged(line, makers):
            x = replaced[id(v)] = line.args[0]
            x.name = x.name or v.name
            continue
        if line.effect == "view" and v is not None:
            makers[id(v)] = line
        kept.append(line)
    program.lines[:] = kept
    replace_results(program, replaced)


def _merged(line: Line, makers: dict[int, Line]) -> bool:
    """Let a line make its view of what its source is a view of, where one step will do; whether no step is left."""
    x, axes = line.args[0] if line.args else None, _axes(line)
    if not isinstance(x, Value) or line.target is None:
        return False
    shape, before = line.target.shape, makers.get(id(x))
    if axes is not None and len(axes) > 2 and _moves_nothing(axes, x.shape):
        line.function, line.call, line.args, axes = "method.reshape", np.ndarray.reshape, (x, shape), None
    if line.function in RESHAPES and not line.kwargs:
        if before is not None and before.function in RESHAPES and not before.kwargs:
            x = before.args[0]
            line.args = (x, shape)
        return bool(x.shape == shape)
    first = None if before is None else _axes(before)
    if axes is not None and first is not None and before is not None:
        axes = tuple(first[axis] for axis in axes)
        line.function, line.call, line.args = "method.transpose", np.ndarray.transpose, (before.args[0], axes)
    return axes is not None and axes == tuple(range(len(axes)))


def _moves_nothing(axes: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether a transpose moves axes of length 1 only."""
    long = [axis for axis in axes if shape[axis] != 1]
    return long == sorted(long)


def drop_copies(program: Program) -> None:
    """A copy of what nobody writes to while the copy is in use is the thing itself."""
    writes = _writes(program)
    last: dict[int, int] = {}
    for i, line in enumerate(program.lines):
        for v in (*line.read(), line.target):
            if v is not None:
                last[id(v.storage)] = i
    leaves = {id(v.storage) for v in program.result_values()}
    replaced: dict[int, Value] = {}
    moved: dict[int, Storage] = {}
    kept = []
    for i, line in enumerate(program.lines):
        line.substitute(lambda v: replaced.get(id(v), v))
        z = line.target
        if z is not None:
            z.storage = moved.get(id(z.storage), z.storage)
        if line.function != "np.copyto" or line.kwargs or z is None or z.view or z.storage.kind != "buffer":
            kept.append(line)
            continue
        x = line.args[1]
        same = isinstance(x, Value) and (x.shape, x.dtype) == (z.shape, z.dtype) and writes[id(z.storage)] == [line]
        if not same or id(z.storage) in leaves or z.name:
            kept.append(line)
            continue
        written = [w.writes() for w in program.lines[i + 1 : last[id(z.storage)] + 1]]
        if any(v is not None and v.storage is x.storage for v in written):
            kept.append(line)
            continue
        replaced[id(z)] = x
        moved[id(z.storage)] = x.storage
        last[id(x.storage)] = max(last[id(x.storage)], last[id(z.storage)])
    program.lines[:] = kept
    replace_results(program, replaced)


def _writes(program: Program) -> dict[int, list[Line]]:
    """By storage: the lines that write it."""
    found: dict[int, list[Line]] = {}
    for line in program.lines:
        v = line.writes()
        if v is not None:
            found.setdefault(id(v.storage), []).append(line)
    return found
