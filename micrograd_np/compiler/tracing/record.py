"""A namespace that looks like NumPy, performs each call, and writes it down.

Kernels are written over a namespace `xp`. Eager gives them NumPy; the tracer gives them this, with `Recorded` arrays.
"""

from __future__ import annotations

import copy
import functools
import sys
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from operator import getitem
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from numpy.lib import mixins

from micrograd_np.core.writes import owner_of

from ..ir import Label, Op, Value, constant
from ..operations import RESHAPES, WRITES_FIRST
from .cells import Cell, Cells, Ref, layout
from .words import Words

_COMPILER = str(Path(__file__).parent)
_OPERATORS = frozenset((__file__, mixins.__file__))
"""Files whose functions lie between a kernel and the recorder."""
_FACTS = frozenset(("shape", "dtype", "ndim", "size", "strides", "nbytes", "itemsize", "flags", "base"))
_SPACE = {
    "np.empty": None, "np.empty_like": None, "np.zeros": 0, "np.zeros_like": 0, "np.ones": 1, "np.ones_like": 1,
}  # fmt: skip
"""What gives memory, and what it is filled with."""
_COPIES = frozenset(("np.ascontiguousarray", "np.array", "np.asarray", "np.copy", "method.copy", "method.astype"))
_SIZED_BY_VALUES = frozenset(
    ("np.nonzero", "np.flatnonzero", "np.argwhere", "np.unique", "np.compress", "np.extract", "method.nonzero")
)
_PASSING = frozenset(("input", "gradient", "fresh"))
"""Kinds of storage that are other memory in each call."""
_COPIED = 64 * 1024  # bytes up to which copying what passes costs less than making anew, in each call, the views of it


SPARED = 65_536  # elements: samples of smaller arrays are computed and compared with eager; others take as long again


class Recorded(mixins.NDArrayOperatorsMixin):
    """An array that a kernel works on while it is being recorded: sample values, and their place in the program."""

    __slots__ = ("_array", "_recorder", "_ref")

    def __init__(self, recorder: Recorder, ref: Ref, array: Any) -> None:
        self._recorder, self._ref, self._array = recorder, ref, array

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        """What an operator does; functions are called by way of `Namespace`."""
        name = "true_divide" if ufunc is np.divide else ufunc.__name__  # as kernels call it
        return self._recorder.call(f"np.{name}", ufunc, args, kwargs) if method == "__call__" else NotImplemented

    def __getattr__(self, name: str) -> Any:
        if name in _FACTS:
            return getattr(self._array, name)
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "dot":
            return functools.partial(self._recorder.xp.dot, self)
        if name == "T":
            return self if self.ndim < 2 else self._recorder.call("attribute.T", lambda x: x.T, (self,), {})
        method = getattr(type(self._array), name)

        def recorded(*args: Any, **kwargs: Any) -> Any:
            return self._recorder.call(f"method.{name}", method, (self, *args), kwargs)

        return recorded

    def __getitem__(self, index: Any) -> Any:
        if type(index) in _PLACES or (type(index) is tuple and _PLACES.issuperset(map(type, index))):
            part, recorder = self._array[index], self._recorder
            if type(part) is np.ndarray:
                recorder.note_frames()
                base = recorder.cells.read(self._ref)
                return recorder.view("getitem", getitem, (base, index), {}, self, base, part)
        return self._recorder.call("getitem", getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        self._recorder.call("setitem", np.ndarray.__setitem__, (self, index, value), {})

    def __len__(self) -> int:
        return len(self._array)

    def __bool__(self) -> bool:
        message = "compile: a kernel branched on a value; kernels may branch on shapes, dtypes and settings only."
        raise TypeError(message)


class Namespace:
    """NumPy, or one of its modules or functions, as kernels see it while they are recorded."""

    def __init__(self, recorder: Recorder, thing: Any, path: str) -> None:
        self._recorder, self._thing, self._path = recorder, thing, path

    def __getattr__(self, name: str) -> Any:
        if name == "errstate":
            return self._recorder.silence
        if name == "routine":
            return self._recorder.routine
        thing = getattr(self._thing, name)
        if not isinstance(thing, (type, float, int, type(None))):
            thing = Namespace(self._recorder, thing, f"{self._path}.{name}")
        vars(self)[name] = thing  # found at once from here on
        return thing

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, and record that."""
        return self._recorder.call(self._path, self._thing, args, kwargs)


class Bound:
    """An object among a kernel's settings whose methods do something each time: a generator of random numbers.

    While recording, the methods run on a copy, so that the object itself is where eager left it.
    """

    def __init__(self, recorder: Recorder, thing: Any) -> None:
        self._recorder, self._thing, self._copy = recorder, thing, copy.deepcopy(thing)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._copy, name)
        if not callable(method):
            return method

        def recorded(*args: Any, **kwargs: Any) -> Any:
            ops = self._recorder.cells.ops
            begin = len(ops)
            result = self._recorder.call("call", method, args, kwargs)
            for op in ops[begin:]:
                if op.function.startswith("call"):
                    op.must_run, op.bound = True, (self._thing, name)
            return result

        return recorded


class Recorder:
    """Performs the calls of kernels on sample arrays, and appends them to the operations of `cells`."""

    def __init__(self, cells: Cells, silent: dict[str, str], refused: Callable[[str], Exception]) -> None:
        self.cells, self.silent, self.refused = cells, silent, refused
        self.xp = Namespace(self, np, "np")
        self.spared = False  # whether the samples of this kernel are merely plausible
        self.words = Words()
        self.frames: dict[FrameType, int] | None = None  # of the kernel that runs, with how deep they lie

    def run(self, kernel: Callable[..., Any], /, *args: Any, **settings: Any) -> Any:
        """What a kernel gives; then hear what its functions call the arrays that they work on."""
        frames = self.frames = {}
        try:
            return kernel(self.xp, *args, **settings)
        finally:
            self.frames = None
            self._hear(frames)
            frames.clear()

    def _hear(self, frames: dict[FrameType, int]) -> None:
        """Note what functions call arrays, inner ones first. A frame that called any of these must not know them."""
        for frame in sorted(frames, key=frames.__getitem__, reverse=True):
            for name, x in frame.f_locals.items():
                for array in x if type(x) is list else (x,):
                    if type(array) is Recorded:
                        self.words.hear(name, array._ref.label)

    def note_frames(self) -> None:
        """Keep the frames of the kernel that is calling; frames that are kept keep their variables."""
        frames = self.frames
        frame: FrameType | None = sys._getframe(2)
        if frames is None or frame in frames:
            return
        while frame is not None and frame.f_code.co_filename in _OPERATORS:
            frame = frame.f_back
        if frame in frames:
            return
        calling = []
        while frame is not None and frame not in frames and not frame.f_code.co_filename.startswith(_COMPILER):
            calling.append(frame)
            frame = frame.f_back
        depth = frames.get(frame, 0) if frame is not None else 0
        frames |= {frame: depth + i for i, frame in enumerate(reversed(calling), 1)}

    def silence(self, **kinds: str) -> Any:
        """What ``xp.errstate`` is here: the whole program will run under it."""
        self.silent.update(kinds)
        if self.silent.get("all") == "ignore":
            for kind in self.silent.keys() - {"all"}:
                del self.silent[kind]
        return np.errstate(**kinds) if kinds else nullcontext()  # type: ignore[arg-type]

    def lift(self, ref: Ref, array: Any) -> Recorded:
        """A `Recorded` for an array of the program whose sample is `array`."""
        return Recorded(self, ref, array)

    def destination(self, like: Any, operands: Iterable[Any] = ()) -> Recorded:
        """A fresh buffer like `like` for a kernel to write into; its sample is spared if one of `operands` is large."""
        long = like.dtype.kind == "f" and any(type(x) is Recorded and self.spares(x._array) for x in operands)
        return self._buffer(self.sample(like, spared=long))

    def sample(self, like: Any, *, spared: bool = False) -> Any:
        """An array like `like`, to be written into; where arithmetic is spared, its very values, which nothing may."""
        if not (spared or self.spares(like)):
            return np.empty_like(like)
        array: Any = like.view() if like.flags.forc else like.copy("K")
        array.flags.writeable = False
        return array

    def _buffer(self, array: Any) -> Recorded:
        """A buffer of the program whose sample is `array`."""
        return Recorded(self, Ref(Cell(array.shape, array.dtype, layout(array))), array)

    @staticmethod
    def spares(array: Any) -> bool:
        """Whether what writes into `array` is written down without being done: samples must be plausible, not right."""
        return array.size > SPARED and array.dtype.kind == "f"

    def call(self, path: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Perform one call, and write it down unless it only tells facts about shapes and dtypes."""
        self.note_frames()
        out = kwargs.pop("out", None) if kwargs else None
        args_in = args
        if path == "np.dot" and len(args) == 3:  # dot's destination may come by position
            args_in, out = args[:2], args[2]
        if type(out) is tuple:
            (out,) = out
        if type(out) is Recorded:
            if not self._spared(out):
                function(*_samples(args_in), **(_changed(kwargs, _array_of) if kwargs else kwargs), out=out._array)
            values, named = self._values(args_in), _changed(kwargs, self._value) if kwargs else kwargs
            if "where" in kwargs:
                self.cells.update(path, function, values, named, out._ref)
            else:
                self.cells.compute(path, function, values, named, out._ref, out._array)
            return out
        raw = _samples(args_in)
        raw_kwargs = _changed(kwargs, _array_of) if kwargs else kwargs
        if path in WRITES_FIRST or path.startswith("routine."):
            self._write_first(path, function, args, raw, kwargs, raw_kwargs)
            return None
        if path == "getitem" or path in _SIZED_BY_VALUES:
            self._refuse_choice(path, _recorded(args_in, kwargs)[path == "getitem" :])
        result = function(*raw, **raw_kwargs)
        if path in _SPACE:
            return self._space(result, _SPACE[path])
        first = args[0] if args else None
        if isinstance(first, Recorded) and path in _COPIES and _copies(path, first, result):
            return self._copy(first, np.array(result) if _shares(result, first._array) else result)
        if isinstance(first, Recorded) and path in RESHAPES and result.size and not _shares(result, first._array):
            packed = self._copy(first, np.array(first._array, order="C"))  # of which every reshape is a view
            return self.call(path, function, (packed, *args[1:]), kwargs)
        values, named = self._values(args_in), _changed(kwargs, self._value) if kwargs else kwargs
        if isinstance(result, (np.ndarray, np.generic)) and (_is_ufunc(function) or path == "np.dot"):
            # into a buffer; no scalars from 0-d
            done = self._buffer(np.asarray(result))
            self.cells.compute(path, function, values, named, done._ref, done._array)
            return done
        recorded = _recorded(args_in, kwargs)
        if isinstance(result, (tuple, list)) and any(isinstance(r, (np.ndarray, np.generic)) for r in result):
            return tuple(
                self._result(f"{path}[{i}]", _part(function, i), values, named, r, recorded)
                for i, r in enumerate(result)
            )
        return self._result(path, function, values, named, result, recorded)

    def _write_first(self, path: str, function: Any, args: Any, raw: Any, kwargs: Any, raw_kwargs: Any) -> None:
        """A call that writes into its first argument: a copy, where it overwrites all of it."""
        target = args[0]
        if not self._spared(target):
            function(*raw, **raw_kwargs)
        values, named = self._values(args[1:]), _changed(kwargs, self._value)
        source = raw[-1]
        index = args[1] if path == "setitem" and type(args[1]) is tuple else args[1:2]
        shows_all = path == "setitem" and all(part is Ellipsis or part is None for part in index)
        whole = path in ("np.copyto", "method.fill") or (shows_all and np.ndim(source) <= target.ndim)
        if whole and not kwargs and np.can_cast(np.asarray(source).dtype, target.dtype, "same_kind"):
            self.cells.compute("copy", np.copyto, (values[-1],), {}, target._ref, target._array)
        else:
            self.cells.update(path, function, values, named, target._ref)

    def _refuse_choice(self, path: str, deciding: list[Recorded]) -> None:
        """Raise CompileError where values decide how many elements there are: by a mask as an index, for one."""
        for x in deciding:
            if x._ref.kind != "constant" and (path != "getitem" or x._array.dtype == np.bool_):
                message = (
                    f"compile: {self.cells.where or path} takes the elements that a mask of shape {x._array.shape} "
                    f"chooses; how many there are depends on values, which a program cannot follow. Choose with "
                    f"mg.where, or multiply by the mask and divide by its sum; or say mg.constant(mask) if it is the "
                    f"same each time."
                )
                raise self.refused(message)

    def _spared(self, target: Recorded) -> bool:
        """Whether to leave the sample of `target` as it is, if that is spared, or one was that this could depend on."""
        array = target._array
        if not array.flags.writeable:
            self.spared = True
            return True
        return self.spared and array.dtype.kind == "f"

    def routine(self, function: Callable[..., None], z: Any, *args: Any) -> None:
        """Record a function of arrays that writes into its first, and that the program will contain."""
        self.call(f"routine.{function.__name__}", function, (z, *args), {})

    def _space(self, array: Any, number: int | None) -> Recorded:
        """Memory that a kernel asks for: a buffer of the program, filled in each call if it has to be."""
        if self.spares(array):  # zeros that nobody has looked at take no time
            array = np.ndarray(array.shape, array.dtype, np.zeros(array.nbytes, np.uint8), 0, array.strides)
            array.flags.writeable = False
        elif self.spared and number is None:
            array.fill(0)  # it may be left so, and what lay there before is not plausible
        space = self._buffer(array)
        if number is not None:
            number = bool(number) if array.dtype == np.bool_ else number  # to which NumPy casts no integer
            self.cells.compute("copy", np.copyto, (number,), {}, space._ref, array)
        return space

    def _copy(self, x: Recorded, array: Any) -> Recorded:
        """A buffer with the elements of `x`, laid out as `array`."""
        copied = self._buffer(array)
        self.words.copies.append((copied._ref.label, x._ref.label))
        self.cells.compute("copy", np.copyto, (self.cells.read(x._ref),), {}, copied._ref, array)
        return copied

    def _result(self, path: str, function: Any, values: Any, named: Any, result: Any, recorded: Any) -> Any:
        if isinstance(result, np.generic):
            result = np.asarray(result)
        if not isinstance(result, np.ndarray):
            return result
        for x in recorded:
            if x._array is result:
                return x
        for x in recorded:
            if result.base is not None and _shares(result, x._array):
                return self.view(path, function, values, named, x, self.cells.read(x._ref), result)
        ref = Ref(Cell(result.shape, result.dtype, layout(result)))
        ref.cell.content, ref.cell.fresh = Value(result.shape, result.dtype, ref.cell.strides, ref.label), True
        op = Op(path, function, values, named, ref.cell.content, "fresh")
        self.cells.append(op)
        return Recorded(self, ref, result)

    def view(
        self, path: str, function: Any, values: Any, named: Any, x: Recorded, base: Value, result: Any
    ) -> Recorded:
        """A view of `x`, which holds `base`; its sample is `result`."""
        ref = x._ref
        label = Label("", ("T" if path == "attribute.T" else "part", ref.label))
        value = Value(result.shape, result.dtype, None, label)
        op = self.cells.append(Op(path, function, values, named, value, "view", base))
        return Recorded(self, Ref(ref.cell, ref, op), result)

    def _values(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Arguments with the values of what is recorded, and of arrays."""
        read = self.cells.read
        return tuple([read(x._ref) if type(x) is Recorded else _changed(x, self._value) for x in args])

    def _value(self, x: Any) -> Value:
        """The value of what is recorded; an array that a kernel made from settings alone is the same each time."""
        return self.cells.read(x._ref) if type(x) is Recorded else constant(x)


def _part(function: Callable[..., Any], i: int) -> Callable[..., Any]:
    """What gives one of several results of a call."""
    return lambda *args, **kwargs: function(*args, **kwargs)[i]


def _is_ufunc(function: Any) -> bool:
    """Whether `function` is a ufunc of one result, or the reduction or accumulation by one: it takes ``out``."""
    if isinstance(function, np.ufunc):
        return function.nout == 1
    owner = getattr(function, "__self__", None)
    return isinstance(owner, np.ufunc) and function.__name__ in ("reduce", "accumulate")


def _shares(view: Any, x: Any) -> bool:
    """Whether `view` lies in the memory of `x`; of empty arrays, whether it was made from it."""
    return np.may_share_memory(view, x) if view.size else owner_of(view) is owner_of(x)


def _copies(path: str, x: Recorded, result: Any) -> bool:
    """Whether a call copies `x`, or had better: of a small array that passes, all views would be made in each call."""
    if not np.can_cast(x.dtype, result.dtype, "same_kind"):
        return False
    passes = path == "np.ascontiguousarray" and x._ref.kind in _PASSING and x.nbytes <= _COPIED
    return passes or not (result is x._array or _shares(result, x._array))


def _changed(x: Any, change: Callable[[Any], Any]) -> Any:
    """Arguments with ``change(array)`` for each array, recorded or not."""
    kind = type(x)
    if kind in _PLAIN:
        return x
    if kind is Recorded or isinstance(x, np.ndarray):
        return change(x)
    if isinstance(x, (tuple, list)):
        parts = [change(part) if type(part) is Recorded else _changed(part, change) for part in x]
        return parts if isinstance(x, list) else tuple(parts)
    return {k: _changed(v, change) for k, v in x.items()} if isinstance(x, dict) else x


def _array_of(x: Any) -> Any:
    """The sample of an array, if it is recorded."""
    return x._array if type(x) is Recorded else x


def _samples(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments with samples for what is recorded."""
    return tuple([x._array if type(x) is Recorded else _changed(x, _array_of) for x in args])


def _recorded(args: Any, kwargs: Any) -> list[Recorded]:
    """The recorded arrays among arguments, in order."""
    recorded: list[Recorded] = []
    _changed((args, kwargs), lambda x: recorded.append(x) if type(x) is Recorded else None)
    return recorded


_PLACES = frozenset((int, slice, type(None), type(Ellipsis)))
"""Kinds of indices that show a part, whatever the values are."""
_PLAIN = frozenset((int, float, bool, str, slice, type(None), type(Ellipsis)))
