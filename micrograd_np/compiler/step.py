"""`compile`: a function whose calls run emitted NumPy programs, one for each kind of call."""

from __future__ import annotations

import gc
import inspect
import threading
import warnings
from collections.abc import Callable
from functools import partial, update_wrapper
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any, NamedTuple
from weakref import ref

from micrograd_np.core.events import QUIET
from micrograd_np.core.messages import explain_keywords
from micrograd_np.core.modes import mode
from micrograd_np.core.writes import writes

from .backend import check_backend, get_compile_backend
from .error import CompileError
from .guards import MISS, Guard
from .pipeline import build
from .program import Program
from .running.calls import lifted, overwritten, repeated, signature_of, tensors_of
from .running.program import CompiledProgram
from .running.pullback import BackwardProgram, watched
from .running.report import Report, report
from .save import save
from .tracing.captures import Surroundings
from .tracing.differentiate import cut, positions
from .tracing.trace import trace
from .writing.plain import plain

_Named = list[tuple[str, Any]]
_MANY = 64  # kinds of arguments from which on it looks as if there would be no end to them
VERIFY = False
"""Whether the rules of every program are checked; tests of the compiler set it."""
WAIT = False
"""Whether every first call waits for C, as tests of the C backend want it."""
_MOST = 8  # programs for one kind of arguments: train, eval, with and without gradients, and some more


class CacheInfo(NamedTuple):
    """How often calls found their program, and how many programs there are."""

    hits: int
    misses: int
    currsize: int


class Compiled:
    """What `compile` returns. Call it like the function it was made from; `CompileError` for what it could not repeat.

    >>> import micrograd_np as mg
    >>> step = mg.compile(lambda x: x * 2)
    >>> step(mg.Tensor([1.0, 2.0])), type(step).__name__
    (Tensor([2., 4.]), 'Compiled')
    """

    def __init__(
        self,
        function: Any,
        mode: str = "exact",
        *,
        backend: str | None = None,
        wait: bool = False,
        verify: bool = False,
    ) -> None:
        if not callable(function):
            message = (
                f"compile: takes a function, a module or anything else that can be called, found {function!r:.60} "
                f"({type(function).__name__}). As a decorator: @mg.compile, or @mg.compile(mode='fast')."
            )
            raise TypeError(message)
        if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
            message = (
                f"compile: {function.__name__} stops on its way (yield, await), and a program runs through. "
                f"Compile the step between two stops."
            )
            raise TypeError(message)
        if mode not in ("exact", "fast"):
            message = f"compile: mode must be 'exact' or 'fast', found {mode!r}."
            raise ValueError(message)
        if backend is not None:
            check_backend("compile", backend)
        self.function, self.mode, self.verify = function, mode, verify
        self.backend, self.waits = backend, wait
        update_wrapper(self, function, updated=())
        self.__name__ = getattr(function, "__name__", type(function).__name__)
        self.entries: dict[Any, list[CompiledProgram]] = {}
        self.looked: dict[Any, list[int]] = {}
        """By kinds of arguments: which of these are lists whose numbers belong to the program."""
        self.last: CompiledProgram | None = None
        self.quick: Callable[..., Any] | None = None
        self.misses = self.forgotten = 0
        self.lock = threading.RLock()
        try:
            self.signature: inspect.Signature | None = inspect.signature(getattr(function, "forward", function))
        except (TypeError, ValueError):
            self.signature = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "function" not in vars(self) or not hasattr(self.function, name):
            message = f"the compiled {vars(self).get('__name__', 'function')} has no attribute {name!r}."
        else:
            message = (
                f"the compiled {self.__name__} has no attribute {name!r}, but what it was made from has: use that, "
                f"or .function.{name}."
            )
        raise AttributeError(message, name=name, obj=self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program for this kind of call, tracing it first if there is none yet."""
        quick = self.quick
        if quick is not None and not kwargs:
            result = quick(*args)
            if result is not MISS:
                return result
        if mode.events is not QUIET:  # part of a larger trace, or under detect_nonfinite: each op is to be seen
            return self._lifted(args, kwargs)[0]()
        with self.lock:
            leaves: list[Any] = []
            kind = signature_of(args, leaves), signature_of(kwargs, leaves) if kwargs else None
            key: tuple[Any, ...] = (*kind, mode.recording, repeated(leaves))
            if self.looked and key in self.looked:
                key = (*key, *(leaves[i].tobytes() for i in self.looked[key]))
            for entry in self.entries.get(key, ()):
                if entry.overlap(leaves):
                    return self._lifted(args, kwargs)[0]()
                if entry.holds():
                    results = entry.run(leaves)
                    if results is not MISS:
                        if entry.overwritten:
                            writes.note_all([leaves[i] for i in entry.overwritten])
                        if self.last is not entry or self.quick is None:
                            self.last = entry
                            self.quick = None if kwargs else entry.quick(args, self.lock)
                        if entry.reverse is not None:
                            return entry.reverse.results(results, tensors_of((args, kwargs)), leaves)
                        return results
            self.misses += 1
            with _Uncollected():
                return self._trace(key, args, kwargs)

    def _trace(self, key: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        function, arrays, rest = self._lifted(args, kwargs)
        around = Surroundings(self.function, rest)
        self._refuse_twofold(around, arrays)
        began = perf_counter()
        arguments = [(t, t.data) for t in tensors_of((args, kwargs))]
        standing = [(x.thing, ref(x.thing.data)) for x in around.tensors()]
        result, program = trace(function, arrays, self.__name__, around)
        traced = perf_counter()
        self._refuse_replaced(around, program)
        self._refuse_moved([*arguments, *((t, array()) for t, array in standing)], program)
        pullback, verified = program.pullback, self.verify or VERIFY
        if pullback is None:
            entry = build(program, self.mode, verified=verified)
        else:
            tree, which = program.results, positions(program, pullback)
            ahead, back = cut(program, pullback)
            entry = build(ahead, self.mode, verified=verified)
            behind = build(back, self.mode, verified=verified)
            entry.source += f"\n\n{behind.source}"
            arguments, others = [t for t, _ in arguments], watched(back, [a for _, a in arrays], arguments)
            wrote = bool(ahead.stores)
            entry.reverse = BackwardProgram(behind, pullback, arguments, tree, which, self.lock, others, wrote=wrote)
        entry.overwritten = overwritten(program, arrays)
        changed, first = around.changed(), not self.entries.get(key)
        entry.captured = around.guards(program, [a for _, a in arrays])
        if first and (changed or around.has_more(Surroundings(self.function, rest, later=True))):
            # what a step does where nothing is yet, it does once; another trace tells what it does ever after
            entry.captured.append(Guard("False", ()))
        looked = {i for i, (_, array) in enumerate(arrays) if id(array) in program.inspected}
        if looked:
            alike = key[:4]  # calls whose lists of numbers have the same shapes
            self.looked[alike] = sorted(looked.union(self.looked.get(alike, ())))
            key = (*alike, *(arrays[i][1].tobytes() for i in self.looked[alike]))
        entry.seconds = (traced - began, perf_counter() - traced)
        if (self.backend or get_compile_backend()) == "c":
            self._choose(entry)
        self._keep(key, entry)
        self.last, self.quick = entry, None
        return result

    def _choose(self, entry: CompiledProgram) -> None:
        """Let the programs of an entry run in C when that is there."""
        for one in _programs(entry):
            one.policy = one.choice()
            if self.mode != "exact":
                one.policy.stay("C computes what mode='exact' computes, and the mode is 'fast'.")
            elif self.waits or WAIT:
                one.policy.wait()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all programs there are have been compiled, for `timeout` seconds at most: whether they are done.

        With backend "numpy", and where C cannot be compiled, there is nothing to wait for. C is compared with NumPy in
        the next call.
        """
        end = None if timeout is None else monotonic() + timeout
        with self.lock:
            programs = (one for kind in self.entries.values() for entry in kind for one in _programs(entry))
            policies = [one.policy for one in programs if one.policy is not None]
            for policy in policies:
                policy.start()
        return all(policy.wait(None if end is None else max(0.0, end - monotonic())) for policy in policies)

    def _lifted(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Callable[[], Any], _Named, _Named]:
        """The function with these arguments, the arrays among them lifted; these arrays, and whatever is no array."""
        arrays: _Named = []
        others: _Named = []
        names = list(self.signature.parameters) if self.signature is not None else []
        names += [f"argument_{i}" for i in range(len(names), len(args))]
        lift = partial(lifted, arrays=arrays, others=others, tensors={})
        positional = map(lift, args, names)
        return partial(self.function, *positional, **{k: lift(a, k) for k, a in kwargs.items()}), arrays, others

    def _refuse_twofold(self, around: Surroundings, arrays: list[tuple[str, Any]]) -> None:
        """Raise CompileError for an argument whose memory the function also has by itself."""
        ids = {id(array) for _, array in arrays}
        for name, t in around.named().items():
            if id(t.data) in ids:
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

    def _refuse_moved(self, arguments: list[tuple[Any, Any]], program: Program) -> None:
        """Raise CompileError if the step has put another array into a tensor that was there before it."""
        states = [(t, v.memory.array) for t, v in program.states.values() if t is not None and v.memory is not None]
        for t, array in (*arguments, *states):
            if t.data is not array:
                name = t.name or f"a tensor of shape {t.data.shape}"
                message = (
                    f"compile: {self.__name__} puts another array into {name}, by an assignment to its data, or by "
                    f"arithmetic in place with something that requires a gradient; a compiled step would do that only "
                    f"this once. Write into its memory inside no_grad(), or compute a new tensor and return it."
                )
                raise CompileError(message)

    def _keep(self, key: Any, entry: CompiledProgram) -> None:
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
                f"requires_grad, a number that it reads, a setting of an optimiser that is no number). Only the last "
                f"{_MOST} programs are kept."
            )
            warnings.warn(message, RuntimeWarning, stacklevel=4)
            self.forgotten += sum(entry.calls for entry in entries[:-_MOST])
            del entries[:-_MOST]

    @property
    def source(self) -> str:
        """The most-called program, the newest of equals, as Python source.

        A loop over batches has a second one, for the short batch at the end, and that is not the one to look at.
        """
        return self._main().source

    def _main(self) -> CompiledProgram:
        """The most-called program whose buffers are still bound (ties: newest); a stale one only if none is live."""
        entries = [entry for kind in self.entries.values() for entry in kind]
        if not entries:
            message = f"compile: {self.__name__} has no program yet; call it once."
            raise CompileError(message)
        return max(entries, key=lambda entry: (entry.in_place(), entry.calls, entry is self.last, entry.number))

    def source_as(self, style: str) -> str:
        """The most-called program as source: "exact" in NumPy as it runs, "plain" in expressions, or "c".

        The plain program computes the same numbers: ``step(x, y, state, numbers, constants, objects)`` takes and
        changes dicts of arrays, and returns the results and the gradients. ``save(path, style="plain")`` writes a
        module that has all this, to be run.

        The C program is what the backend "c" compiles and calls. CompileError where there can be none.
        """
        if style == "c":
            return _in_c(self._main())
        if style == "exact":
            return self.source
        if style != "plain":
            message = f"source_as: style must be 'exact', 'plain' or 'c', found {style!r}."
            raise ValueError(message)
        return plain(self._main().raw).source

    def save(self, path: Any, style: str = "exact") -> Path:
        """Write the most-called program as a module that needs NumPy alone, or in C: the path of the file.

        `path` is ``"name.py"``; the state goes into ``name.npz`` beside it, which has to stay there. The module has
        ``step(...)``, for arguments of the shapes that this program is for, ``state`` and ``save_state()``, and goes on
        where this step is now, with the same bits; with ``style="plain"`` it is the program of ``source_as("plain")``,
        which computes the same numbers but for rounding.

        With ``style="c"`` and ``"name.c"`` it is one C file that needs C's standard library alone, with the function
        ``name(...)`` for arguments of these shapes and types; its head says how to call it. The parameters stand in it,
        and beyond 50,000 numbers in ``name.bin`` beside it, in the byte order of this machine. Results agree to
        rounding.

        Raises ValueError for another style or a name that does not fit, and CompileError for what the file cannot hold:
        in C random draws, arguments that do not lie row after row, and operations that it does not say.
        """
        return save(self._main(), path, style)

    def report(self) -> Report:
        """The most-called program in numbers: lines, buffers, bytes, what each pass saved, and times."""
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
        self.looked.clear()
        self.last = self.quick = None
        self.misses = self.forgotten = 0

    def __reduce__(self) -> Any:
        maker = partial(Compiled, backend=self.backend, wait=self.waits, verify=self.verify)
        return maker, (self.function, self.mode)  # programs are traced again where it is unpickled

    def __repr__(self) -> str:
        count = sum(map(len, self.entries.values()))
        return f"<compiled {self.__name__}: {count} program{'' if count == 1 else 's'}, mode={self.mode!r}>"


class _Uncollected:
    """No search for cyclic garbage meanwhile, nor for that among what is new: a trace makes objects that stay.

    What there is counts as old afterwards, which Python searches only when much has become old; it does not count what
    becomes old here, so that is done here, by Python's rule: when it is a quarter of all that was left the last time.
    """

    least = 200_000  # objects
    aged, limit, others_freeze = 0, least, False

    def __enter__(self) -> None:
        self.enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        cls = type(self)
        cls.others_freeze = cls.others_freeze or gc.get_freeze_count() > 0  # where it is not 0, asking takes long
        if self.enabled and not cls.others_freeze:
            cls.aged += gc.get_count()[0]
            if cls.aged > cls.limit:
                gc.collect()
                cls.aged, cls.limit = 0, max(cls.least, len(gc.get_objects()) // 4)
            gc.freeze()  # all objects there are,
            gc.unfreeze()  # of which none counts as young then
        if self.enabled:
            gc.enable()


def _programs(entry: CompiledProgram) -> list[Any]:
    """The program of an entry, and its backward program if there is one."""
    return [entry] if entry.reverse is None else [entry, entry.reverse.entry]


def _in_c(entry: CompiledProgram) -> str:
    """The C source of an entry; raises CompileError where there can be none."""
    from .c.native import Unsupported  # with all that writes C

    try:
        return "\n\n".join((one.policy or one.choice()).source() for one in _programs(entry))
    except Unsupported as error:
        message = f"source_as: {entry.program.name} cannot be written in C: {error}"
        raise CompileError(message) from None


@explain_keywords
def compile(
    function: Callable[..., Any] | None = None,
    *,
    mode: str = "exact",
    backend: str | None = None,
    wait: bool = False,
    verify: bool = False,
) -> Any:
    """Turn a whole training step, a loss or a model into a NumPy program, and run that.

    The first call with arguments of some shapes and dtypes runs `function` as it is, watches, and emits the program;
    later calls of that kind run the program. ``mode="exact"`` keeps every bit; ``mode="fast"`` may round differently,
    to about the precision of the dtype, and trusts that no nan comes in from outside. As a decorator, ``@mg.compile``
    or ``@mg.compile(mode="fast")``. With ``verify=True`` the compiler checks its own rules after each pass that saves
    something and at the end, for whoever changes it.

    With ``backend="c"`` the program is compiled as C as well, in the background, and takes over when that is done and
    has been seen to keep every bit; `wait` makes the first call wait for it, and `report()` says what runs, and why.
    Where no `backend` is given, the one set by `set_compile_backend` holds: at first "numpy".

    Raises TypeError for what cannot be called and ValueError for an unknown mode or backend; the first call raises
    `CompileError` for what a program could not repeat.

    >>> import numpy as np
    >>> norm = compile(lambda x: (x * x).sum().sqrt())
    >>> [norm(np.array(x)).item() for x in ([3.0, 4.0], [6.0, 8.0])]
    [5.0, 10.0]
    >>> norm.cache_info()
    CacheInfo(hits=1, misses=1, currsize=1)
    """
    if function is None:
        return partial(compile, mode=mode, backend=backend, wait=wait, verify=verify)
    return Compiled(function, mode, backend=backend, wait=wait, verify=verify)
