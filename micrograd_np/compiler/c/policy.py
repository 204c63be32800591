"""When a step runs in C: once it is compiled, and once a call has shown that its bits are those of NumPy's program.

A program begins as NumPy. Its second call starts a thread that writes C and has it compiled; that call and those that
follow are not held up. The first call that finds C ready runs both programs from the same state and compares
everything that they leave; then C has the calls to itself, except those in which it finds floating-point flags that
NumPy would report. Whatever fails on the way, NumPy goes on.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any

import numpy as np

from ..program import Program
from .listen import FLAGGED, listen
from .outside import Outside, free_memory, same_bits

if TYPE_CHECKING:
    from .native import Native  # with all that writes C: where it is needed

__all__ = ["Policy"]

TRIED = ("2.3", "2.4")
"""The versions of NumPy whose bits C has been seen to have: with others it has to be seen first, or NumPy goes on."""
_SHARE = 0.01  # of the calls may run as NumPy because of flags that NumPy has no report for
_LEAST = 5  # so many such calls before the share is looked at
_MOST = 0.5  # of the calls may run as NumPy at all, of twenty or more
_OFTEN, _SELDOM = 100, 32  # so many calls are looked at for nan, inf and -0, later one of so many
_PAUSE = 0.001  # seconds, in which the call that has started the thread goes on
_OURS = (str(Path(__file__).parents[2]), "<dispatch ")


class Policy:
    """What the calls of one program run. `state` is "numpy", "compiling" or "c", and `why` says why, in a sentence.

    Call `step(*arrays)`, and `fallback(*arrays)` where that has returned FLAGGED.
    """

    def __init__(
        self, raw: Program, step: Callable[..., Any], outputs: Sequence[np.ndarray], counter: list[int]
    ) -> None:
        self.numpy, self.counter = step, counter
        arrays = iter(outputs)
        self.outputs = [None if v is None else next(arrays) for _, v in raw.gradients_out]
        self.outside = Outside(raw, self.outputs)
        self.state, self.why = "numpy", "it is compiled once it is called again."
        self.native: Native | None = None
        self.note = ""
        """What else there is to say of it."""
        self.step: Callable[..., Any] = self._second_call
        self._raw = raw
        self._run = step
        self._thread: threading.Thread | None = None
        self._checks = self._looked = 0
        self._began = self.retreats = self.idle = 0

    def reason(self) -> str:
        """Why it runs what it runs, with what C leaves to NumPy, in sentences."""
        sentences = [self.why]
        if self.native is not None and self.native.lines:
            calls = ", ".join(f"{function} {count}" for function, count in self.native.lines.items())
            sentences.append(f"NumPy does {self.native.lines.total()} of its lines ({calls}).")
        if self.state == "c" and self.retreats:
            sentences.append(f"NumPy has run {self.retreats:,} calls because of floating-point flags.")
        if self.note:
            sentences.append(self.note[0].upper() + self.note[1:])
        return " ".join(sentences)

    def source(self) -> str:
        """The C program; raises `Unsupported` where there can be none."""
        from .native import Native

        return (self.native or Native(self._raw, self.outputs)).source

    def __call__(self, *arrays: Any) -> Any:
        """Run the step in one of the two ways."""
        results = self.step(*arrays)
        return self.fallback(*arrays) if results is FLAGGED else results

    # C is made

    def start(self) -> None:
        """Begin to write and compile C in the background; no effect if that has begun."""
        if self.step == self._second_call:
            self.state, self.why, self.step = "compiling", "C is being written and compiled.", self.numpy
            self._thread = threading.Thread(target=_make, args=(self,), daemon=True)
            _making.add(self)
            self._thread.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is known whether there will be C, for `timeout` seconds at most; whether it is known."""
        self.start()
        if self._thread is not None:
            self._thread.join(timeout)
        return self.state != "compiling"

    def stay(self, why: str) -> None:
        """Run NumPy from now on."""
        self.state, self.why, self.step = "numpy", why, self.numpy

    def take(self, run: Callable[..., Any]) -> None:
        """Run C from the next call on, which compares it."""
        self._run, self._began = run, self.counter[0]
        self.state, self.why, self.step = "c", "its bits are compared with NumPy's in the next call.", self._check

    def _second_call(self, *arrays: Any) -> Any:
        self.start()
        return self.numpy(*arrays)

    # C is compared

    def _check(self, *arrays: Any) -> Any:
        """Run both programs from the same state. What stays is NumPy's outcome; after an interrupt, what was before."""
        outside, version = self.outside, ".".join(np.__version__.split(".")[:2])
        try:
            few = outside.nbytes(arrays) <= free_memory() // 2
            before = outside.copy(arrays) if few else None
        except MemoryError:
            before = None
        if before is None:
            many = f"copies of {outside.nbytes(arrays) >> 20:,} MiB would take more than half of the free memory"
            if version in TRIED or self._checks:
                self.why = self.why if self._checks else f"its bits are not compared with NumPy's: {many}."
                self.step = self._run
                return self._run(*arrays)
            self.stay(f"NumPy {version} has not been tried with C, and cannot be now: {many}.")
            return self.numpy(*arrays)
        results, reported = listen(self.numpy, arrays)
        try:
            after = outside.copy(arrays)
            outside.put(before, arrays)
            try:
                native_results = self._run(*arrays)
                different = ""
                if native_results is not FLAGGED:
                    different = outside.difference(after, arrays) or _difference(native_results, results)
            except Exception as error:  # noqa: BLE001  whatever it is, NumPy did not raise it
                native_results, different = None, f"an error that NumPy does not raise, {error!r}"
            outside.put(after, arrays)
        except BaseException:
            outside.put(before, arrays)
            raise
        if different:
            self._part(different)
        elif native_results is FLAGGED:
            self._count(reported)
        else:
            self.why = "its bits are those of NumPy's program."
            self.step = self._run if self._checks or _unusual(results) else self._watch
            self._checks += 1
        return results

    def _part(self, different: str) -> None:
        """Let NumPy go on for good, and say so."""
        self.stay(f"C has computed other bits than NumPy: {different}.")
        message = (
            f"compile: the C program of {self._raw.name} differs from its NumPy program in {different}. The numbers "
            f"are NumPy's, which goes on. Please report this with step.source_as('c'), your processor and the versions "
            f"of NumPy ({np.__version__}) and of the C compiler."
        )
        depth, frame = 1, sys._getframe()
        while frame.f_back is not None and frame.f_code.co_filename.startswith(_OURS):
            depth, frame = depth + 1, frame.f_back
        warnings.warn(message, RuntimeWarning, stacklevel=depth)

    def _watch(self, *arrays: Any) -> Any:
        """Run C, and compare it once more when nan, inf or -0 is among its results.

        That is done at once, but after a step that changes what the next one starts from, in the next call.
        """
        results = self._run(*arrays)
        self._looked += 1
        if (self._looked < _OFTEN or not self._looked % _SELDOM) and results is not FLAGGED and _unusual(results):
            if self.outside.pure:
                return self._check(*arrays)
            self.step = self._check
        return results

    # C finds flags

    def fallback(self, *arrays: Any) -> Any:
        """Run NumPy in a call in which C has found floating-point flags, and has changed nothing yet."""
        results, reported = listen(self.numpy, arrays)
        self._count(reported)
        return results

    def _count(self, reported: bool) -> None:
        """Count a call with flags; NumPy goes on for good where too many had flags for nothing."""
        self.retreats += 1
        self.idle += not reported
        calls = self.counter[0] - self._began + 1
        if self.idle >= _LEAST and self.idle > _SHARE * calls:
            self.stay(f"in {self.idle} of {calls:,} calls C had floating-point flags, and NumPy nothing to report.")
        elif self.retreats >= 20 and self.retreats > _MOST * calls:
            self.stay(f"in {self.retreats} of {calls:,} calls NumPy had floating-point warnings to report.")


def _difference(native: Any, results: Any) -> str:
    """In which result C differs; "" if in none."""
    for i, (a, b) in enumerate(zip(native, results, strict=True)):
        if not same_bits(a, b):
            return f"result {i} of shape {b.shape}"
        if any(n != 1 and p != q for n, p, q in zip(a.shape, a.strides, b.strides, strict=True)):
            return f"the layout of result {i} of shape {b.shape}"
    return ""


def _unusual(results: Iterable[Any]) -> bool:
    """Whether nan, inf or -0 is among some results."""
    for x in results:
        for part in (x.real, x.imag) if x.dtype.kind == "c" else (x,) if x.dtype.kind == "f" else ():
            if not np.isfinite(part).all() or (not part.all() and np.signbit(part[part == 0]).any()):
                return True
    return False


_turn = threading.Lock()  # one program at a time is written and compiled
_starting = threading.Lock()  # a process that is forked meanwhile could never import those modules
_making: set[Policy] = set()
_exiting = False


def _make(policy: Policy) -> None:
    """Write C, have it compiled, and hand it over."""
    sleep(_PAUSE)
    with _starting:
        from .build import Build
        from .native import Native, Unsupported
    try:
        with _turn, np.errstate(all="ignore"):
            native = policy.native = Native(policy._raw, policy.outputs)
            with _starting:
                if _exiting:
                    return
                build = Build(native.source)
            path, policy.note = build.wait()
            policy.take(native.bind(path))
    except Unsupported as error:
        policy.stay(str(error))
    except Exception as error:  # noqa: BLE001  a fault of ours; NumPy can do without C
        policy.stay(f"C could not be made: {type(error).__name__}: {error}")
    finally:
        _making.discard(policy)


def _exit() -> None:
    """Start no compiler from now on; those that run end with the process."""
    global _exiting  # noqa: PLW0603  once and for all
    with _starting:
        _exiting = True


def _forked() -> None:
    """Forget what the process was about to compile that this one was forked from."""
    global _turn  # noqa: PLW0603  whoever had it is not here
    _turn = threading.Lock()
    for policy in list(_making):
        policy.stay("this process was forked while C was being compiled.")
    _making.clear()
    _starting.release()


weakref.finalize(Policy, _exit)  # at exit: in one row with the finalizers that end compilers
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_starting.acquire, after_in_parent=_starting.release, after_in_child=_forked)
