"""What C does for each operation of a program: steps, with the places that each reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ir import Label, Op, Value
from ..memory import Storage
from ..operations import PRODUCTS, uniform
from ..program import Program
from . import products
from .expressions import Spelling, has_type, power_by, spelling
from .loops import find_loop
from .places import Place, Places, in_order
from .reductions import loop_nest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Step", "steps"]

_TRUTH = np.dtype(bool)


@dataclass(eq=False, slots=True)
class Step:
    """One thing that C does (loop, product, reduction, check, gather), or that NumPy does for it (python)."""

    kind: str
    op: Op
    operands: list[Any]
    result: Any
    """Places or numbers, and a place; None where a check gives nothing."""
    spelling: Any = None
    late: bool = False
    """Whether it runs after the flags have been looked at."""
    at: int = 0
    """Its number in the order of the program."""

    @property
    def shape(self) -> tuple[int, ...]:
        """What a loop goes over: the lengths of the axes of the result, without those of length 1."""
        return tuple(n for n in self.result.shape if n != 1) if self.result is not None else ()

    @property
    def touches(self) -> list[Place]:
        """The places that it reads or writes."""
        return [*self.reads, *([self.result] if self.result is not None else [])]

    @property
    def reads(self) -> Iterator[Place]:
        """The places that it reads."""
        return (x for x in self.operands if isinstance(x, Place))


def steps(program: Program, places: Places, *, exact: bool = True) -> list[Step]:
    """The steps of a program, in order; views need none. Unless `exact`, they round as C does."""
    lowered_steps: list[Step] = []
    for op in program.ops:
        if op.effect == "view" or op.function == "empty":
            continue
        z = op.of if op.effect == "update" else op.result
        target = None if z is None else places.of(z)
        lowered = None
        if op.bound is None and all(_readable(places.of(v)) for v in (*op.reads, *op.defines)):
            lowered = _lowered(op, places, target, exact=exact)
        if lowered is None or (exact and any(map(_truncates, lowered))):  # NumPy does it
            lowered = [Step("python", op, [places.of(v) for v in op.reads], target)]
        lowered_steps += lowered
    lowered_steps = [step for step in lowered_steps if step.kind == "python" or step.result is None or step.result.size]
    for i, step in enumerate(lowered_steps):
        step.at = i
    return lowered_steps


def _readable(x: Place) -> bool:
    """Whether C can read it where it lies: a type of C's, in this machine's order of bytes, whole elements apart."""
    memory = x.value.root.memory
    aligned = memory is None or memory.array is None or memory.array.flags.aligned
    whole = not any(s % x.dtype.itemsize for n, s in zip(x.shape, x.strides, strict=True) if n != 1)
    return has_type(x.dtype) and aligned and whole


def _truncates(step: Step) -> bool:
    """Whether it makes whole numbers of floats: of those that do not fit, each compiler makes what it likes."""
    whole = step.kind == "loop" and step.result is not None and step.result.dtype.kind in "iu"
    return whole and step.spelling.output.kind == "f"


def _lowered(op: Op, places: Places, target: Any, *, exact: bool) -> list[Step] | None:
    """What C does for an operation; None where C does not say it."""
    f = op.function
    if op.effect == "check":
        return _check(op, places)

    def operand(x: Any) -> Any:
        if not isinstance(x, Value):
            return x
        a = x.constant
        alike = a is not None and a.size and uniform(a) and (f != "np.power" or not a.shape)  # whose loops differ
        return a.flat[0] if alike else places.of(x)

    args = [operand(x) for x in op.args if not isinstance(x, (tuple, list, dict))]
    if f in PRODUCTS:
        return _product(op, target, places, exact=exact)
    if f.startswith("np.") and (f.endswith(".reduce") or (not exact and f in ("np.argmax", "np.argmin"))):
        return _reduction(op, target, places, exact=exact)
    if f == "np.concatenate":
        return _concatenate(op, target, places)
    if f in ("copy", "np.copyto", "method.astype") and not op.kwargs:
        return [_copy(op, args[0], target)]
    if f == "setitem" and op.of is not None and len(op.args) == 2 and _basic(op.args[0]):
        return [_copy(op, operand(op.args[1]), places.part(op.of, op.args[0]))]
    if not exact and f in ("setitem", "np.add.at") and op.of is not None and len(op.args) == 2 and not op.kwargs:
        return _by_index(op, places, op.of, *op.args, "=" if f == "setitem" else "+=")
    if f == "routine.clear" and op.effect == "update":
        return [_loop(op, "{1} ? {0} : 0", [target, args[0]], (target.dtype, _TRUTH), target)]
    if f == "np.where" and len(op.args) == 3 and not op.kwargs:
        return [_loop(op, "{0} ? {1} : {2}", args, (_TRUTH, target.dtype, target.dtype), target)]
    if f == "getitem" and op.effect == "fresh" and isinstance(op.args[0], Value) and _basic(op.args[1]):
        return [_copy(op, places.part(*op.args), target)]
    if (f == "getitem" or (f == "np.take" and op.kwargs == {"axis": 0})) and op.effect == "fresh":
        return _by_index(op, places, op.args[0], op.args[1], op.result)
    if not f.startswith("np.") or len(args) != len(op.args) or list(op.kwargs) not in ([], ["dtype"], ["where"]):
        return None
    if exact and f == "np.power" and isinstance(args[0], Place) and not isinstance(args[1], Place):
        f = power_by(args[1], args[0].dtype)
        args = args if f == "np.power" else args[:1]
    kinds = tuple(np.dtype(op.kwargs["dtype"]) if "dtype" in op.kwargs else _kind(x) for x in args)
    spelt = spelling(f, kinds, exact=exact) if f else None
    if spelt is not None and "where" in op.kwargs:
        return _choice(op, spelt, [*args, operand(op.kwargs["where"])], target)
    return None if spelt is None else [Step("loop", op, args, target, spelt)]


def _choice(op: Op, spelt: Spelling, args: list[Any], target: Place) -> list[Step] | None:
    """An expression for the elements for which the last operand is true; the others stay."""
    if not spelt.text or spelt.output != target.dtype or _kind(args[-1]) != _TRUTH:
        return None
    text = f"{{{len(args) - 1}}} ? {spelt.text} : {{{len(args)}}}"
    return [_loop(op, text, [*args, target], (*spelt.inputs, _TRUTH, target.dtype), target)]


def _loop(op: Op, text: str, operands: list[Any], kinds: tuple[Any, ...], target: Place) -> Step:
    """An expression for each element, of operands of these types."""
    return Step("loop", op, operands, target, Spelling(text, None, kinds, target.dtype))


def _kind(x: Any) -> Any:
    """The dtype of an operand, or the type of a number of Python's."""
    return x.dtype if isinstance(x, (Place, np.generic)) else _TRUTH if isinstance(x, bool) else type(x)


def _copy(op: Op, source: Any, target: Place) -> Step:
    kind = source.dtype if isinstance(source, (Place, np.generic)) else target.dtype
    return Step("loop", op, [source], target, Spelling("{0}", None, (kind,), kind))


def _basic(index: Any) -> bool:
    """Whether an index makes a view."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(x is None or x is Ellipsis or type(x) in (int, slice) for x in parts)


def _concatenate(op: Op, target: Place, places: Places) -> list[Step] | None:
    """A copy for each part."""
    parts, axis = op.args[0], op.kwargs.get("axis", op.args[1] if len(op.args) > 1 else 0)
    if op.kwargs.keys() - {"axis"} or axis is None:
        return None
    parts_copied, start, axis = [], 0, axis % len(target.shape)
    for v in parts:
        x = places.of(v)
        shape = (*target.shape[:axis], x.shape[axis], *target.shape[axis + 1 :])
        part = target._replace(offset=target.offset + start * target.strides[axis], shape=shape)
        parts_copied.append(_copy(op, x, part))
        start += x.shape[axis]
    return parts_copied


def _floats(*operands: Place) -> str:
    """The letter of the float type that all places have; empty where they have not one."""
    kinds = {x.dtype for x in operands}
    return operands[0].dtype.char if len(kinds) == 1 and operands[0].dtype.name in ("float32", "float64") else ""


def _product(op: Op, target: Place, places: Places, *, exact: bool) -> list[Step] | None:
    """A product as NumPy computes it; or, unless `exact`, in loops of C's own, whatever the layout."""
    if len(op.args) != 2 or op.kwargs or not all(isinstance(x, Value) for x in op.args):
        return None
    a, b = factors = [places.of(x) for x in op.args]
    if any(places.overlap(x, target) for x in factors):
        return None
    if op.function == "np.vdot":
        if not (a.contiguous and b.contiguous):
            return None
        a, b = factors = [x._replace(shape=(x.size,), strides=(x.dtype.itemsize,)) for x in factors]
    if not exact:
        plain = a.shape and b.shape and (op.function != "np.dot" or len(b.shape) < 3)
        return [Step("product", op, factors, target, products.matmul(a, b, target))] if plain else None
    kind = _floats(a, b, target)
    if not kind or find_loop(np.matmul, f"{kind * 2}->{kind}") is None or 0 in (a.size, b.size):
        return None
    if op.function == "np.matmul":
        return [Step("product", op, factors, target, products.matmul(a, b, target))]
    product = products.dot(a, b, a.dtype.itemsize) if target.contiguous else None
    if product is None:
        return None
    if isinstance(product, str):
        return [_scaled(op, product, a, b, target)]
    copies = []
    for i, letter in enumerate("ab"):
        if letter in product.copied:  # to C's order, in memory of its own
            x = factors[i]
            v = Value(x.shape, x.dtype, label=Label("", ("copy", x.value.label)))
            factors[i] = Place(Storage("buffer", v), 0, x.shape, in_order(x.shape, x.dtype.itemsize), x.dtype, v)
            copies.append(_copy(op, x, factors[i]))
    return [*copies, Step("product", op, factors, target, product)]


def _scaled(op: Op, text: str, a: Place, b: Place, target: Place) -> Step:
    """np.dot of one element and a vector, or another element, as a loop."""
    one, x = (a, b) if a.size == 1 else (b, a)
    move = sum(s for n, s in zip(x.shape, x.strides, strict=True) if n != 1)
    vector = x._replace(shape=target.shape, strides=tuple(move * (n != 1) for n in target.shape))
    return _loop(op, text, [one._replace(shape=(), strides=()), vector], (x.dtype, x.dtype), target)


def _reduction(op: Op, target: Place, places: Places, *, exact: bool) -> list[Step] | None:
    """A reduction by NumPy's inner loop; of whole numbers and truths by C's own, since these do not round."""
    if op.kwargs.keys() - {"axis", "keepdims", "initial"} or len(op.args) != 1:
        return None
    x = places.of(op.args[0])
    name, axis = op.function.split(".")[1], op.kwargs.get("axis", None if "arg" in op.function else 0)
    starts = {"add": -0.0, "multiply": 1.0, "maximum": None, "minimum": None}
    if not exact:
        starts |= {"logical_or": 0.0, "logical_and": 1.0, "argmax": None, "argmin": None}
    if name not in starts:
        return None
    start = op.kwargs.get("initial", starts[name])
    if isinstance(start, Value) or type(start).__name__ == "_NoValueType":
        return None
    ndim = len(x.shape)
    axes = {k % ndim for k in ((axis,) if isinstance(axis, int) else range(ndim) if axis is None else axis)}
    kept = target.strides
    if op.kwargs.get("keepdims"):
        kept = tuple(s for k, s in enumerate(target.strides) if k not in axes)
    if not exact and (x.size or start is not None):
        return [Step("reduction", op, [x], target, (name, None, start, axes, kept))]
    if not _floats(x, target):
        if name != "add" or x.dtype.kind not in "biu" or target.dtype.kind not in "iu" or start:
            return None
        return [Step("reduction", op, [x], target, (name, None, 0, axes, kept))]
    kind = x.dtype.char
    nest = loop_nest(x.shape, x.strides, tuple(axes), x.dtype.itemsize, None if op.effect == "fresh" else kept)
    if nest is None or find_loop(getattr(np, name), f"{kind * 2}->{kind}") is None:
        return None
    return [Step("reduction", op, [x], target, (name, nest, start, axes, kept))]


_CHECKS = {
    "routine.labels_within": ("label", "({x} < 0 || {x} >= {1}) && {x} != {2}"),
    "routine.rows_within": ("row", "{x} < 0 || {x} >= {1}"),
    "routine.places_within": ("place", "{x} < 0 || {x} >= {0}"),
}
"""What a check calls an element, and when it finds one wrong."""


def _check(op: Op, places: Places) -> list[Step] | None:
    """A check of whole numbers; where it fails, NumPy's program says why."""
    if op.function not in _CHECKS or op.kwargs:
        return None
    word, wrong = _CHECKS[op.function]
    x, *numbers = op.args
    place = places.of(x)
    if place.dtype.kind not in "iu" or (op.function == "routine.labels_within" and not isinstance(numbers[2], int)):
        return None
    return [Step("check", op, [place], None, (word, wrong.format(*numbers, x=word)))]


def _by_index(op: Op, places: Places, whole: Any, index: Any, part: Any, sign: str = "") -> list[Step] | None:
    """Elements, or rows, by whole numbers: x[i], x[i, j], np.take(x, i, axis=0); with a sign, what is written there."""
    parts = index if isinstance(index, tuple) else (index,)
    if not all(isinstance(v, Value) for v in (whole, part, *parts)) or any(v.dtype.kind not in "iu" for v in parts):
        return None
    x, y, *indices = map(places.of, (whole, part, *parts))
    shape = np.broadcast_shapes(*(p.shape for p in indices))
    axes = shape + x.shape[len(parts) :]
    alike = len(axes) == len(y.shape) and all(n in (1, m) for n, m in zip(y.shape, axes, strict=True))
    source, target = (y, x) if sign else (x, y)
    if not alike or 0 in x.shape or any(places.overlap(target, p) for p in (source, *indices)):
        return None
    return [Step("scatter" if sign else "gather", op, [source, *indices], target, (len(shape), sign or "="))]
