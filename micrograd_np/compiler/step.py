"""`compile`: a function whose calls run emitted NumPy programs, one for each kind of call."""

from __future__ import annotations

import builtins
import functools
import inspect
import itertools
import linecache
import threading
import warnings
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from micrograd_np.primitive import Vertex, mode
from micrograd_np.tensor import Tensor

from .dispatch import MISS, dispatcher
from .failure import explain
from .guards import Guards
from .memory import plan
from .passes import run_passes
from .plain import plain
from .program import mapped
from .pullback import Reverse, copied, cut, positions, watched
from .report import Report, report
from .standalone import save
from .surroundings import Surroundings
from .trace import CompileError, trace
from .write import Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .program import Clock, Program

_numbers = itertools.count(1)
_MANY = 64  # kinds of arguments from which on it looks as if there would be no end to them
_MOST = 8  # programs for one kind of arguments: train, eval, with and without gradients, and some more


class CacheInfo(NamedTuple):
    """How often calls found their program, and how many programs there are."""

    hits: int
    misses: int
    currsize: int


class Entry:
    """One emitted program, what it is bound to, and what must still hold for it to be the right one."""

    def __init__(
        self, program: Program, source: str, writer: Writer, passes: dict[str, int], arena: int, wanted: int
    ) -> None:
        self.program, self.source, self.passes, self.arena, self.wanted = program, source, passes, arena, wanted
        self.calls = 0
        """How many calls it has run."""
        self.number = next(_numbers)
        self.filename = f"<micrograd_np {program.name} {self.number}>"
        linecache.cache[self.filename] = (len(source), None, source.splitlines(keepends=True), self.filename)
        namespace: dict[str, Any] = {}
        exec(builtins.compile(source, self.filename, "exec"), namespace)  # noqa: S102  the program that was just written
        state = {n: v.storage.array for n, v in writer.state.items()}
        self.numbers = {n: v.storage.array for n, v in writer.numbers.items()}
        self.build = namespace["build"]
        self.writer = writer
        self.step, outputs = self.build(state, self.numbers, writer.constants, writer.objects)
        self.tensors = [(t, t.data, t.requires_grad) for t, _ in program.states.values() if t is not None]
        self.slots = [
            (state, name, array)
            for clock in program.clocks
            for state in clock.states
            for name, array in state.items()
            if isinstance(array, np.ndarray)
        ]
        """What optimisers keep of each parameter."""
        self.written = self._written()
        self.overwritten: list[int] = []
        """Which of the arrays among the arguments it writes into."""
        rest = iter(outputs)
        self.gradients = [(t, None if v is None else Tensor(next(rest))) for t, v in program.gradients_out]
        self.delivered = [(t, g, None if g is None else g.data) for t, g in self.gradients]
        self.incoming = [t for t, _ in program.gradients_in]
        self.absent = list(program.gradients_absent)
        self.own = {id(g) for _, g in self.gradients if g is not None}
        self.modes = program.modes
        self.reverse: Reverse | None = None
        self.raw: Program = program
        """The program as it was traced, before any pass."""
        self.seconds = (0.0, 0.0)
        """What tracing (the first call included) and emitting took."""
        self.guards = Guards()
        """Where things have been found that must still be there."""
        self.ticks: list[tuple[Clock, list[tuple[Any, str]]]] = [
            (c, [(v.storage.array, key.partition(":")[0]) for key, v in c.numbers.items()]) for c in program.clocks
        ]

    def rebuilt(self, results: Any) -> Any:
        """What the step returns, with tensors around the arrays of the program."""
        rest = iter(results)
        return mapped(self.program.results, lambda _: Tensor(next(rest)))

    def _written(self) -> list[Any]:
        found = self.program.written()
        return [t for t, v in self.program.states.values() if t is not None and id(v.storage) in found]

    def overlap(self, arrays: list[Any]) -> bool:
        """Whether an array that it writes into may share memory with another, of which its lines know nothing."""
        return any(a is not arrays[i] and np.may_share_memory(a, arrays[i]) for i in self.overwritten for a in arrays)

    def holds(self) -> bool:
        """Whether the program is still the right one: same memory, same modes, same settings."""
        for t, array, wanted in self.tensors:
            if t.data is not array or t.requires_grad is not wanted:
                return False
        for module, flag in self.modes:
            if module._training is not flag:
                return False
        for state, name, array in self.slots:
            if state.get(name) is not array:
                return False
        for clock, _ in self.ticks:
            t = clock.states[0].get("step")
            if t is None or any(state.get("step") != t for state in clock.states):
                return False  # one of them was left out of some step since, or starts afresh
        for t in self.absent:
            if t.grad is not None:
                return False
        if not all(t.grad is not None and t.grad.data.shape == t.data.shape for t in self.incoming):
            return False
        return self.guards.hold()

    def in_place(self) -> bool:
        """Whether the state is still where the program has it, so that it could go on."""
        return (
            all(t.data is array for t, array, _ in self.tensors)
            and all(state.get(name) is array for state, name, array in self.slots)
            and self.guards.hold()
        )

    def run(self, arrays: list[Any]) -> Any:
        """One call: advance the clocks, run the step, hand out gradients and results; MISS if a setting changed."""
        for clock, slots in self.ticks:
            states = clock.states
            t = states[0]["step"] + 1
            numbers = clock.optimizer.scalars(clock.group, t)
            for name, x in clock.fixed.items():
                if numbers[name] != x:
                    return MISS
            for name, truth in clock.truths.items():
                if bool(numbers[name]) is not truth:
                    return MISS
            for array, name in slots:
                array.fill(numbers[name])
        if self.incoming:  # a gradient of the last call lies in the very buffer that this call will write
            grads = [t.grad for t in self.incoming]
            arrays = [*arrays, *(g.data.copy() if id(g) in self.own else g.data for g in grads)]
        try:
            results = self.step(*arrays)
        except BaseException as error:
            explain(error, self)
            raise
        for clock, _ in self.ticks:
            states = clock.states
            t = states[0]["step"] + 1
            for state in states:
                state["step"] = t
        self.calls += 1
        for t in self.written:
            t.version += 1
        for t, g, array in self.delivered:
            t.grad = g
            if g is not None:
                g.data = array  # somebody may have put another there
        return results


class Compiled:
    """What `compile` returns. Call it like the function it was made from."""

    def __init__(self, function: Any, mode: str = "exact") -> None:
        if not callable(function):
            message = (
                f"compile: takes a function, a module or anything else that can be called, found {function!r:.60} "
                f"({type(function).__name__}). As a decorator: @mg.compile, or @mg.compile(mode='fast')."
            )
            raise TypeError(message)
        if mode not in ("exact", "fast"):
            message = f"compile: mode must be 'exact' or 'fast', found {mode!r}."
            raise ValueError(message)
        self.function, self.mode = function, mode
        functools.update_wrapper(self, function, updated=())
        self.__name__ = getattr(function, "__name__", type(function).__name__)
        self.entries: dict[Any, list[Entry]] = {}
        self.last: Entry | None = None
        self.quick: Callable[..., Any] | None = None
        self.misses = self.forgotten = 0
        self.lock = threading.RLock()
        try:
            self.signature: inspect.Signature | None = inspect.signature(getattr(function, "forward", function))
        except (TypeError, ValueError):
            self.signature = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program for this kind of call, tracing it first if there is none yet."""
        quick = self.quick
        if quick is not None and not kwargs:
            result = quick(*args)
            if result is not MISS:
                return result
        if mode.watcher is not None:  # part of a larger trace, or under detect_nonfinite: each op is to be seen
            return self.function(*args, **kwargs)
        with self.lock:
            leaves: list[Any] = []
            key = (_key(args, leaves), _key(kwargs, leaves) if kwargs else None, mode.recording, _repeated(leaves))
            for entry in self.entries.get(key, ()):
                if entry.overwritten and entry.overlap(leaves):
                    return self._uncompiled([], args, kwargs)()
                if entry.holds():
                    results = entry.run(leaves)
                    if results is not MISS:
                        if entry.overwritten:
                            _count_writes((args, kwargs), [leaves[i] for i in entry.overwritten])
                        if self.last is not entry or self.quick is None:
                            self.last = entry
                            self.quick = None if kwargs else dispatcher(entry, args, self.lock)
                        if entry.reverse is not None:
                            return entry.reverse.results(results, _tensors_of((args, kwargs)), leaves)
                        return entry.rebuilt(results)
            self.misses += 1
            return self._trace(key, args, kwargs)

    def _trace(self, key: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        arrays: list[tuple[str, Any]] = []
        function = self._uncompiled(arrays, args, kwargs)
        around = Surroundings(self.function)
        self._refuse_twofold(around, arrays)
        cleared = [id(t) for entry in self.entries.get(key, ()) for t in entry.absent if t.grad is not None]
        began = perf_counter()
        given = [(t, t.data) for t in _tensors_of((args, kwargs))]
        result, program = trace(function, (), arrays, self.__name__, cleared, around.names())
        traced = perf_counter()
        self._refuse_replaced(around, program)
        self._refuse_moved(given, program)
        found = program.pullback
        if found is None:
            entry = _emitted(program, self.mode)
        else:
            tree, which = program.results, positions(program, found)
            ahead, back = cut(program, found)
            entry = _emitted(ahead, self.mode)
            behind = _emitted(back, self.mode)
            entry.source += f"\n\n{behind.source}"
            arguments, others = [t for t, _ in given], watched(back, [a for _, a in arrays], given)
            entry.reverse = Reverse(behind.step, found, arguments, tree, which, self.lock, others)
        entry.overwritten = overwritten(program, arrays)
        entry.guards = around.guards(program)
        # what a step does where nothing is yet, it does once; another trace tells what it does ever after
        entry.guards.past = not self.entries.get(key) and around.has_more(Surroundings(self.function))
        entry.seconds = (traced - began, perf_counter() - traced)
        self._keep(key, entry)
        self.last, self.quick = entry, None
        return result

    def _uncompiled(self, arrays: list[tuple[str, Any]], args: Any, kwargs: dict[str, Any]) -> Callable[[], Any]:
        """The function with these arguments, the arrays among them lifted and noted in `arrays`."""
        names = list(self.signature.parameters) if self.signature is not None else []
        lifted = [_lifted(a, names[i] if i < len(names) else f"argument_{i}", arrays) for i, a in enumerate(args)]
        lifted_kwargs = {k: _lifted(a, k, arrays) for k, a in kwargs.items()}
        return functools.partial(self.function, *lifted, **lifted_kwargs)

    def _refuse_twofold(self, around: Surroundings, arrays: list[tuple[str, Any]]) -> None:
        """Raise CompileError for an argument whose memory the function also has by itself."""
        given = {id(array) for _, array in arrays}
        for name, t in around.named().items():
            if id(t.data) in given:
                message = (
                    f"compile: {self.__name__} is given {name} as an argument, and has it by itself as well; the "
                    f"program could not tell which of the two is meant when another tensor is passed. Take one way."
                )
                raise CompileError(message)

    def _refuse_replaced(self, around: Surroundings, program: Program) -> None:
        """Raise CompileError if the step has put another tensor in place of one that it reads."""
        read = {id(t) for t, _ in program.states.values()}
        for x in around.tensors():
            if id(x.thing) in read and not x.is_there():
                message = (
                    f"compile: {self.__name__} puts another tensor in the place of {x.name}; that is Python's work, "
                    f"which a compiled step would do only this once, and read the old one ever after. Write into the "
                    f"one there is, {x.name}.copy_(...) inside no_grad(), or take it as an argument and return the new."
                )
                raise CompileError(message)

    def _refuse_moved(self, given: list[tuple[Any, Any]], program: Program) -> None:
        """Raise CompileError if the step has put another array into a tensor that was there before it."""
        states = [(t, v.storage.array) for t, v in program.states.values() if t is not None]
        for t, array in (*given, *states):
            if t.data is not array:
                name = t.name or f"a tensor of shape {array.shape}"
                message = (
                    f"compile: {self.__name__} puts another array into {name}, by an assignment to its data, or by "
                    f"arithmetic in place with something that requires a gradient; a compiled step would do that only "
                    f"this once. Write into its memory inside no_grad(), or compute a new tensor and return it."
                )
                raise CompileError(message)

    def _keep(self, key: Any, entry: Entry) -> None:
        entries = self.entries.setdefault(key, [])
        if not entries and len(self.entries) == _MANY:
            message = (
                f"compile: {self.__name__} has been traced for {_MANY} kinds of arguments, and keeps a program for "
                f"each. A number that changes from call to call is best an array, np.array(x); sequences of many "
                f"lengths are best padded to a few."
            )
            warnings.warn(message, RuntimeWarning, stacklevel=4)
        entries.append(entry)
        if len(entries) > _MOST:
            message = (
                f"compile: {self.__name__} has been traced {len(entries)} times for the same kind of arguments, "
                f"because something it relies on keeps changing (parameters replaced by others, train/eval, "
                f"requires_grad, a setting of an optimiser that is no number). Only the last {_MOST} programs are kept."
            )
            warnings.warn(message, RuntimeWarning, stacklevel=4)
            self.forgotten += sum(entry.calls for entry in entries[:-_MOST])
            del entries[:-_MOST]

    @property
    def source(self) -> str:
        """The program that has run most calls (of equals the latest), as Python source.

        A loop over batches has a second one, for the short batch at the end, and that is not the one to look at.
        """
        return self._main().source

    def _main(self) -> Entry:
        """The program that has run most calls, of equals the latest; of those whose memory is gone, only if all are."""
        entries = [entry for kind in self.entries.values() for entry in kind]
        if not entries:
            message = f"compile: {self.__name__} has no program yet; call it once."
            raise CompileError(message)
        return max(entries, key=lambda entry: (entry.in_place(), entry.calls, entry is self.last, entry.number))

    def source_as(self, style: str) -> str:
        """The program that has run most calls as source: "exact" as it runs, "plain" in expressions, without buffers.

        The plain program computes the same numbers: ``step(x, y, state, numbers, constants, objects)`` takes and
        changes dicts of arrays, and returns the results and the gradients. ``save(path, style="plain")`` writes a
        module that has all this, to be run.
        """
        if style == "exact":
            return self.source
        if style != "plain":
            message = f"source_as: style must be 'exact' or 'plain', found {style!r}."
            raise ValueError(message)
        return plain(self._main().raw).source

    def save(self, path: Any, style: str = "exact") -> Path:
        """Write the program that has run most calls as a module that needs NumPy alone: the path of the module.

        `path` is ``"name.py"``; the state goes into ``name.npz`` beside it, which has to stay there. The module has
        ``step(...)``, for arguments of the shapes that this program is for, ``state`` and ``save_state()``, and goes on
        where this step is now, with the same bits; with ``style="plain"`` it is the program of ``source_as("plain")``,
        which computes the same numbers but for rounding.
        """
        return save(self._main(), path, style)

    def report(self) -> Report:
        """The program that has run most calls in numbers: lines, buffers, bytes, what each pass saved, and times."""
        return report(self._main())

    @property
    def hits(self) -> int:
        """How many calls found their program."""
        return self.forgotten + sum(entry.calls for kind in self.entries.values() for entry in kind)

    def cache_info(self) -> CacheInfo:
        """Hits, misses and the number of programs."""
        return CacheInfo(self.hits, self.misses, sum(map(len, self.entries.values())))

    def clear(self) -> None:
        """Forget all programs."""
        self.entries.clear()
        self.last = self.quick = None
        self.misses = self.forgotten = 0

    def __reduce__(self) -> Any:
        return Compiled, (self.function, self.mode)  # programs are traced again where it is unpickled

    def __repr__(self) -> str:
        count = sum(map(len, self.entries.values()))
        return f"<compiled {self.__name__}: {count} program{'' if count == 1 else 's'}, mode={self.mode!r}>"


def _emitted(program: Program, mode: str) -> Entry:
    """The entry of a traced program: passes, plan, source, compiled."""
    raw = copied(program)
    passes = run_passes(program, mode)
    layout = plan(program)
    writer = Writer(program, layout)
    entry = Entry(program, writer.source(), writer, passes, layout.nbytes, layout.wanted)
    entry.raw = raw
    return entry


def overwritten(program: Program, arrays: list[tuple[str, Any]]) -> list[int]:
    """Which of `arrays`, the arguments of `program`, it writes into: one that came twice is one array."""
    found = program.written()
    mine = {id(a) for (_, a), v in zip(arrays, program.inputs, strict=True) if id(v.storage) in found}
    return [i for i, (_, a) in enumerate(arrays) if id(a) in mine]


def _count_writes(arguments: Any, arrays: list[Any]) -> None:
    """Bump the versions of the tensors among the arguments that have one of `arrays`, as a write in place does."""
    for t in dict.fromkeys(_tensors_of(arguments)):
        if any(t.data is a for a in arrays):
            t.version += 1


def _tensors_of(x: Any) -> list[Any]:
    """The tensors among arguments, in order."""
    if isinstance(x, Vertex):
        return [x]
    if isinstance(x, dict):
        x = tuple(x.values())
    return [t for part in x for t in _tensors_of(part)] if isinstance(x, (tuple, list)) else []


def _key(x: Any, leaves: list[Any]) -> Any:
    """What kind of argument this is; its arrays are appended to `leaves`."""
    kind = type(x)
    if isinstance(x, np.ndarray):
        leaves.append(x if kind is np.ndarray else np.asarray(x))  # an array on disk is an array
        return x.shape, x.dtype, x.strides  # what NumPy makes of x takes over its order, and sums follow that
    if isinstance(x, Vertex):
        leaves.append(x.data)
        return Tensor, x.data.shape, x.data.dtype, x.data.strides, x.requires_grad
    if kind is tuple or kind is list:
        return kind, tuple([_key(part, leaves) for part in x])
    if kind is dict:
        return dict, tuple([(k, _key(v, leaves)) for k, v in x.items()])
    if isinstance(x, tuple):  # one with names
        return kind, tuple([_key(part, leaves) for part in x])
    if isinstance(x, (float, np.generic)):
        return kind, repr(x)  # 0.0 and -0.0 are equal, and nan is not equal to itself
    if kind is slice:
        return kind, repr(x)
    try:
        hash(x)
    except TypeError:
        message = (
            f"compile: an argument is a {kind.__name__}, {x!r:.60}; whether another call brings the same kind cannot "
            f"be told. Pass tensors, arrays, numbers and strings, or tuples, lists and dicts of these."
        )
        raise TypeError(message) from None
    return kind, x  # 1, 1.0 and True are equal, but not the same in arithmetic


def _repeated(leaves: list[Any]) -> Any:
    """Which arguments are one and the same array; None where none are."""
    if len(leaves) < 2:
        return None
    first: dict[int, int] = {}
    places = tuple([first.setdefault(id(a), i) for i, a in enumerate(leaves)])
    return places if len(first) < len(leaves) else None


def _lifted(x: Any, name: str, arrays: list[tuple[str, Any]]) -> Any:
    """`x` with arrays as tensors, each noted in `arrays` with a name."""
    if isinstance(x, np.ndarray):
        x = np.asarray(x)
        arrays.append((name, x))
        return Tensor(x)
    if isinstance(x, Vertex):
        arrays.append((name, x.data))
        return x
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*(_lifted(part, f"{name}_{field}", arrays) for field, part in zip(x._fields, x, strict=True)))
    if type(x) in (tuple, list):
        return type(x)(_lifted(part, f"{name}_{i}", arrays) for i, part in enumerate(x))
    if type(x) is dict:
        return {k: _lifted(v, f"{name}_{k}", arrays) for k, v in x.items()}
    return x


def compile(function: Callable[..., Any] | None = None, *, mode: str = "exact") -> Any:
    """Turn a whole training step, a loss or a model into a NumPy program, and run that.

    The first call with arguments of some shapes and dtypes runs `function` as it is, watches, and emits the program;
    later calls of that kind run the program. ``mode="exact"`` keeps every bit; ``mode="fast"`` may round differently,
    to about the precision of the dtype, and trusts that no nan comes in from outside. As a decorator, ``@mg.compile``
    or ``@mg.compile(mode="fast")``.

    Raises TypeError for what cannot be called and ValueError for an unknown mode; the first call raises `CompileError`
    for what a program could not repeat.

    >>> import numpy as np
    >>> norm = compile(lambda x: (x * x).sum().sqrt())
    >>> [norm(np.array(x)).item() for x in ([3.0, 4.0], [6.0, 8.0])]
    [5.0, 10.0]
    >>> norm.cache_info()
    CacheInfo(hits=1, misses=1, currsize=1)
    """
    if function is None:
        return lambda f: Compiled(f, mode)
    return Compiled(function, mode)
