"""Memory in the course of a trace: kernels write into it, and the program names its versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir import Label, Memory, Op, Value
from ..operations import inverse


class Cell:
    """Memory that is written, perhaps several times: what it holds now."""

    __slots__ = ("content", "copied", "dtype", "fresh", "label", "memory", "mirrors", "shape", "source", "strides")

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        strides: tuple[int, ...] | None = None,
        memory: Memory | None = None,
        label: Label | None = None,
    ) -> None:
        self.shape, self.dtype, self.strides, self.memory = shape, dtype, strides, memory
        self.label = Label() if label is None else label
        self.content: Value | None = None
        """None as long as nothing has been written."""
        self.fresh = False
        """Whether NumPy allocates what it holds."""
        self.source: Value | None = None
        """What the memory holds first."""
        if memory is not None:
            self.content = self.source = Value(shape, dtype, strides, self.label, memory)
        self.mirrors: list[Cell] = []
        """Other cells that lie in the same memory: a tensor and a view of it that the step finds side by side."""
        self.copied: tuple[Value, Value] | None = None
        """With mirrors: a content, and the copy of it that is read."""

    def hold(self, content: Value | None) -> None:
        """Hold something else."""
        self.content, self.fresh = content, content is not None and content.kind == "fresh"


class Ref:
    """An array as the trace knows it: a cell as a whole, or a view of another array."""

    __slots__ = ("base", "cell", "label", "parent", "template", "view", "whole")

    def __init__(self, cell: Cell, parent: Ref | None = None, template: Op | None = None) -> None:
        self.cell, self.parent, self.template = cell, parent, template
        self.base: Value | None = None
        self.view: Value | None = None
        """What it shows of `base`."""
        self.whole = None if template is None or cell.mirrors else cell.content  # the content that `view` shows
        if template is not None:
            assert template.result is not None
            self.base, self.view = template.of, template.result
            self.label = template.result.label
        else:
            self.label = cell.label

    @property
    def kind(self) -> str:
        """The kind of memory, as `Value.kind` says it."""
        cell = self.cell
        if cell.memory is not None:
            return cell.memory.kind
        return "fresh" if cell.fresh else "buffer"


def layout(array: Any) -> tuple[int, ...] | None:
    """The strides of an array that is not in C order: later sums and products follow the order in memory."""
    return None if array.flags.c_contiguous else array.strides


class Cells:
    """Reads and writes of cells, as operations appended to `ops`."""

    def __init__(self, ops: list[Op]) -> None:
        self.ops = ops
        self.section, self.where = "forward", ""

    def append(self, op: Op) -> Op:
        """Append an operation that belongs where the trace is."""
        op.section, op.where = self.section, self.where
        self.ops.append(op)
        return op

    def read(self, ref: Ref) -> Value:
        """What an array holds now."""
        cell = ref.cell
        if ref.parent is None:
            if cell.content is None:
                cell.content = Value(cell.shape, cell.dtype, cell.strides, cell.label)
                self.append(Op("empty", np.empty, (), {}, cell.content, "new"))
            if not cell.mirrors:
                return cell.content
            if cell.copied is None or cell.copied[0] is not cell.content:  # no pass knows what lies in the same memory
                copied = Value(cell.shape, cell.dtype, cell.strides, Label(cell.label.name))
                self.append(Op("copy", np.copyto, (cell.content,), {}, copied, "new")).must_run = True
                cell.copied = cell.content, copied
            return cell.copied[1]
        if ref.whole is not None and ref.whole is cell.content and ref.view is not None and not cell.mirrors:
            return ref.view
        base = self.read(ref.parent)
        if ref.base is not base or ref.view is None:
            assert ref.template is not None
            ref.view = self._on(ref.template, base, ref.label)
            ref.base = base
        ref.whole = None if cell.mirrors else cell.content
        return ref.view

    def _on(self, view: Op, base: Value, label: Label) -> Value:
        """The same view of another version."""
        assert view.result is not None
        result = Value(view.result.shape, view.result.dtype, None, label)
        self.append(view.copy(lambda v: base if v is view.of else v, result))
        return result

    def compute(self, function: str, call: Callable[..., Any], args: Any, kwargs: Any, ref: Ref, array: Any) -> Op:
        """A call that writes all of the array `ref`, whatever that held before; `array` is a sample of it."""
        cell = ref.cell
        if cell.mirrors:
            value = Value(array.shape, array.dtype, layout(array))
            self.append(Op(function, call, args, kwargs, value, "new"))
            return self.update("np.copyto", np.copyto, (value,), {}, ref)
        if ref.parent is None:
            cell.content, cell.fresh = Value(cell.shape, cell.dtype, cell.strides, cell.label), False
            return self.append(Op(function, call, args, kwargs, cell.content, "new"))
        back = self._way_back(ref) if cell.memory is None else None
        if back is None:
            return self.update("np.copyto" if function == "copy" else function, call, args, kwargs, ref)
        value = Value(array.shape, array.dtype, layout(array), ref.label)
        op = self.append(Op(function, call, args, kwargs, value, "new"))
        of = value
        for view in back:  # what is computed in the shape of the view is seen in that of the whole
            undone = inverse(view, of)
            assert undone is not None
            of = self.append(undone).result or of
        cell.content, cell.fresh, ref.base, ref.view = of, False, of, value
        return op

    def _way_back(self, ref: Ref) -> list[Op] | None:
        """The views between an array and its cell, the last first; None where one of them shows a part only."""
        views = []
        while ref.parent is not None:
            assert ref.template is not None
            assert ref.template.of is not None
            if inverse(ref.template, ref.template.of) is None:
                return None
            views.append(ref.template)
            ref = ref.parent
        return views

    def update(self, function: str, call: Callable[..., Any], args: Any, kwargs: Any, ref: Ref) -> Op:
        """A call that writes into the array `ref`, of which something may stay as it was."""
        mirrors, ref.cell.mirrors = ref.cell.mirrors, []
        of = self.read(ref)
        ref.cell.mirrors = mirrors
        old = of.root
        if old.op is not None and old.op.effect == "fresh" and not old.shape:  # NumPy gives a number, not an array
            new = Value(old.shape, old.dtype, None, old.label)
            self.append(Op("copy", np.copyto, (old,), {}, new, "new"))
            ref.cell.content, ref.cell.fresh = self._moved(ref.cell.content, old, new), False
            of = self.read(ref)
            old = of.root
        new = Value(old.shape, old.dtype, old.strides, old.label)
        op = self.append(Op(function, call, args, kwargs, new, "update", of))
        ref.cell.content = new if mirrors else self._moved(ref.cell.content, old, new)
        for other in mirrors:
            other.content = self._after(other, new)
        return op

    def mirror(self, cell: Cell, other: Cell) -> None:
        """Note that `cell`, which is met for the first time, lies in the memory of `other`."""
        if not other.mirrors:
            self._set_apart(other)
        cell.mirrors.append(other)
        other.mirrors.append(cell)
        if other.content is not None and other.content is not other.source:  # has been written to
            cell.content = self._after(cell, other.content.root)

    def _set_apart(self, cell: Cell) -> None:
        """What has been done with a cell so far, was done with a copy; what that has come to is in its memory now."""
        old, content = cell.source, cell.content
        assert old is not None
        source = Value(old.shape, old.dtype, old.strides, old.label, old.memory)
        old.memory, old.label = None, Label(old.label.name)
        self.ops.insert(0, Op("copy", np.copyto, (source,), {}, old, "new"))
        self.ops[0].must_run = True
        cell.source = cell.content = source
        if content is not old:
            cell.content = Value(source.shape, source.dtype, source.strides, source.label)
            self.append(Op("np.copyto", np.copyto, (content,), {}, cell.content, "update", source))

    def _after(self, cell: Cell, written: Value) -> Value:
        """What a cell holds when something has been written into its memory."""
        assert cell.content is not None
        before, value = cell.content.root, Value(cell.shape, cell.dtype, cell.strides, cell.label)
        self.append(Op("after", _first, (before, written), {}, value, "view", before))
        return value

    def _moved(self, content: Value | None, old: Value, new: Value) -> Value:
        """The content of a cell, seen in another version of its root."""
        assert content is not None
        if content is old:
            return new
        assert content.op is not None
        base = self._moved(content.op.of, old, new)
        return self._on(content.op, base, content.label)


def _first(x: Any, _: Any) -> Any:
    return x
