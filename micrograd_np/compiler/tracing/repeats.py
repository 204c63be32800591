"""Equal layers are recorded once: what a kernel has done on operands of some kinds, it does again on others of these.

Our kernels branch on shapes, types, layouts and settings, and on nothing else. Where all these are as before, so are
the operations, on other values, and the kernel need not run. The user's kernels may read what variables say by now.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from ..guards import is_value
from ..ir import Label, Op, Value, frozen, never
from .cells import Cell, Cells, Ref
from .record import Recorded
from .words import Words

_OURS = f"{__name__.partition('.')[0]}."


class Recording:
    """What a kernel has just done on `operands`, which held `before`: its operations, and the array that it gave.

    That may be the first operand, into which it has written.
    """

    def __init__(
        self, operands: list[Ref], before: list[Value | None], ops: list[Op], done: Ref, heard: Any, copies: Any
    ) -> None:
        self.operands = _around(operands, before)
        self.before, self.ops, self.done = before, ops, done
        self.written = done.cell.content if done is operands[0] and done.cell.content is not before[0] else None
        self.heard: list[tuple[str, Label]] = heard
        self.copies: list[tuple[Label, Label]] = copies
        """What its functions called arrays, and what it copied, as in `Words`."""
        self.way: list[tuple[Ref, Value | None, Value | None, Value | None]] = []
        """The array and those of which it is a view, up to an operand: what each holds, and shows of what."""
        ref: Ref | None = done
        while ref is not None and ref not in self.operands:
            self.way.append((ref, ref.cell.content, ref.base, ref.view))
            ref = ref.parent
        self.label = done.label, (done.label.name, done.label.hint)

    @cached_property
    def repeatable(self) -> bool:
        """Whether its operations read nothing but the operands and constants, and do nothing else."""
        readable: set[Any] = set(self.before)
        for op in self.ops:
            if op.must_run or op.bound is not None or op.refusal or op.result is None:
                return False
            for v in op.reads:
                if v not in readable and v.constant is None:
                    return False
            readable.add(op.result)
        return True

    @cached_property
    def labels(self) -> dict[Label, tuple[str, Any]]:
        """Those of all that it has made, as they were: that of what it gave may have been told more since."""
        labels = [op.result.label for op in self.ops if op.result is not None]
        labels += [label for ref, *_ in self.way for label in (ref.label, ref.cell.label)]
        return {label: (label.name, label.hint) for label in labels} | dict([self.label])

    def repeat(self, operands: list[Ref], cells: Cells, words: Words) -> Ref:
        """Do the same on other operands: the array that it gives."""
        around = _around(operands, list(map(content_of, operands)))
        same: dict[Any, Any] = _Same(zip(self.operands, around, strict=True))
        labels, value = self.labels, same.__getitem__

        def label(x: Label) -> Any:
            if x not in same and x in labels:
                name, hint = labels[x]
                same[x] = Label(name, (hint[0], label(hint[1])) if type(hint) is tuple else hint)
            return same[x]

        for op in self.ops:
            z = op.result
            assert z is not None
            new = same[z] = Value(z.shape, z.dtype, z.strides, label(z.label))
            done = same[op] = cells.append(op.copy(value, new))
            done.unit = None
        for ref, content, base, view in reversed(self.way):
            old = ref.cell
            if old not in same:
                same[old] = Cell(old.shape, old.dtype, old.strides, None, label(old.label))
                same[old].hold(value(content))
            new_ref = same[ref] = Ref(same[old], same.get(ref.parent), same.get(ref.template))
            if view is not None:
                new_ref.base, new_ref.view, new_ref.whole = value(base), value(view), None
        for name, x in self.heard:
            words.hear(name, label(x))
        words.copies += [(label(x), label(of)) for x, of in self.copies]
        result: Ref = same[self.done]
        if self.written is not None:
            result.cell.hold(same[self.written])
        return result


class _Same(dict[Any, Any]):
    """What stands for what; anything else stands for itself."""

    def __missing__(self, x: Any) -> Any:
        return x


def _around(operands: list[Ref], values: list[Value | None]) -> list[Any]:
    """All by which operations know their operands, which hold `values`."""
    pairs = zip(operands, values, strict=True)
    return [x for ref, v in pairs for x in (ref, ref.cell, v, ref.label, ref.cell.label, v and v.label)]


def content_of(ref: Ref) -> Value | None:
    """What an array holds, where reading it takes no operation."""
    if ref.parent is None:
        return None if ref.cell.mirrors else ref.cell.content
    base = content_of(ref.parent)
    return ref.view if base is not None and ref.base is base else None


def is_ours(op: Any) -> bool:
    """Whether the kernel is one of this package, which does the same each time, with a destination or without one."""
    return str(op.kernel.__module__).startswith(_OURS)


def kind_of(op: Any, operands: list[Any], static: Mapping[str, Any], sample: Any, *, writes: bool) -> Any:
    """What two applications have in common whose operations are the same; None where that cannot be told."""
    if not is_ours(op) or (static and not all(map(is_value, static.values()))):
        return None
    kind = [op, writes, sample.shape, sample.dtype, sample.strides, frozen(dict(static), never) if static else None]
    places: dict[Any, int] = {}
    for x in operands:
        if type(x) is Recorded:
            ref, a = x._ref, x._array
            v, memory = content_of(ref), ref.kind
            if v is None or (writes and not places and v.is_view):  # into the root of which would be written
                return None
            same = places.setdefault(ref, len(places)), places.setdefault(ref.cell, len(places))
            layout = a.shape, a.dtype, a.strides, v.strides
            kind += [layout, same, memory, id(a) if memory == "constant" else None]
        elif is_value(x):
            kind.append((type(x), repr(x)))
        else:
            return None
    return tuple(kind)


def undisturbed(operands: list[Ref], before: list[Value | None], ops: list[Op], *, writes: bool) -> bool:
    """Whether operands hold what they held `before`, but for a first that the kernel `writes` into, as a whole."""
    first = operands[0] if writes else None
    if first is not None:
        content = first.cell.content
        if first.parent is not None or not any(op.result is content for op in reversed(ops)):
            return False
    return all(ref is first or content_of(ref) is v for ref, v in zip(operands, before, strict=True))
