"""When a compiled step runs in C, and when NumPy goes on. What C does, a stand-in says here."""

import os
import pickle
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

import micrograd_np as mg
import micrograd_np.compiler.backend as backends
import micrograd_np.compiler.c.policy as policies
from micrograd_np import nn, optim
from micrograd_np.compiler.c import build, native
from micrograd_np.compiler.c.build import Build
from micrograd_np.compiler.c.listen import FLAGGED, listen
from micrograd_np.compiler.c.native import Unsupported

X = np.random.default_rng(0).standard_normal((4, 3))
NAN = np.where(X > 0, X, np.nan)


class Stand:
    """A native program that does what `behave(numpy, arrays)` does, where numpy is the NumPy program's step."""

    def __init__(self):
        self.calls = 0
        self.ready = threading.Event()  # the compiler is done
        self.ready.set()
        self.failed = self.refusal = ""
        self.behave = lambda numpy, arrays: numpy(*arrays)


@pytest.fixture
def stand(monkeypatch):
    """C as the test wants it to behave: right, at first."""
    found = Stand()
    steps = {}  # by program: the step in NumPy

    class Native:
        source, lines = "int step;", {}

        def __init__(self, raw, outputs):
            if found.refusal:
                raise Unsupported(found.refusal)
            self.raw = raw

        def bind(self, path):
            def step(*arrays):
                found.calls += 1
                return found.behave(steps[id(self.raw)], arrays)

            return step

    class Compiles:
        def __init__(self, source):
            pass

        def wait(self):
            found.ready.wait()
            if found.failed:
                raise Unsupported(found.failed)
            return "library", ""

    begin = policies.Policy.__init__

    def made(self, raw, step, *rest):
        begin(self, raw, step, *rest)
        steps[id(raw)] = step

    monkeypatch.setattr(policies.Policy, "__init__", made)
    monkeypatch.setattr(native, "Native", Native)
    monkeypatch.setattr(build, "Build", Compiles)
    return found


class Training:
    """A net with all that a step can change: parameters, moments, statistics, random draws, an argument."""

    def __init__(self, **settings):
        mg.random.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Dropout(0.5), nn.Linear(5, 2))
        self.optimizer = optim.Adam(self.model.parameters(), lr=0.1)
        self.generator = mg.random.Generator(1)
        self.memory = mg.Tensor(np.zeros(3))
        self.compiled = mg.compile(self.step, **settings)

    def step(self, x):
        self.optimizer.zero_grad()
        loss = (self.model(x) + mg.random.normal(size=(4, 2), generator=self.generator)).square().mean()
        loss.backward()
        self.optimizer.step()
        with mg.no_grad():
            self.memory += x.sum(axis=0)
        return loss

    def left(self):
        """The bytes of everything that a step leaves."""
        arrays = [p.data for p in self.model.parameters()] + [b.data for b in self.model.buffers()]
        arrays += [p.grad.data for p in self.model.parameters() if p.grad is not None]
        arrays += [a for state in self.optimizer.state.values() for a in state.values()]
        states = [self.generator.get_state(), mg.random.generator().get_state()]
        return [np.asarray(a).tobytes() for a in (*arrays, self.memory.data)], states


def trained(calls, **settings):
    """What so many calls leave, and the losses."""
    one = Training(**settings)
    step = one.compiled if settings else one.step
    losses = [step(mg.Tensor(X * (i + 1))).item() for i in range(calls)]
    return losses, one.left(), one


def state(step):
    """What runs its calls, and why."""
    report = step.report()
    return report.backend, report.reason


# C takes over


def test_the_bits_of_everything_are_eagers_before_and_after_c_takes_over(stand):
    losses, left, _ = trained(6)
    found = trained(6, backend="c", wait=True)
    assert found[:2] == (losses, left)
    assert stand.calls == 5  # the first call is the trace, the second compares
    assert state(found[2].compiled) == ("c", "its bits are those of NumPy's program.")


def test_calls_run_as_numpy_while_c_is_compiled_and_c_takes_over_between_calls(stand):
    stand.ready.clear()
    double = mg.compile(lambda x: x * 2, backend="c")
    double(X)
    assert state(double) == ("numpy", "it is compiled once it is called again.")
    for _ in range(3):
        assert np.array_equal(double(X).data, X * 2)
    assert not double.wait(0.01)
    assert state(double)[0] == "compiling"
    assert stand.calls == 0
    stand.ready.set()
    assert double.wait()
    assert state(double) == ("c", "its bits are compared with NumPy's in the next call.")
    for i in range(3):
        assert np.array_equal(double(X).data, X * 2)
        assert stand.calls == i + 1


def test_every_program_of_a_step_is_waited_for(stand):
    double = mg.compile(lambda x: x * 2, backend="c")
    double(X)
    double(X[:2])
    assert double.wait()
    for x in (X, X[:2]):
        double(x)
    assert stand.calls == 2


def test_the_backward_program_of_a_result_is_compiled_too(stand):
    w = mg.Tensor(np.ones(3), requires_grad=True)
    loss = mg.compile(lambda x: (x * w).square().sum(), backend="c", wait=True)
    for i in range(1, 4):
        w.grad = None
        loss(X * i).backward()
        assert np.allclose(w.grad.data, 2 * (X * i * X * i).sum(axis=0))
    assert stand.calls == 4
    stand.behave = lambda numpy, arrays: tuple(-x for x in numpy(*arrays))
    other = mg.compile(lambda x: (x * w).square().sum(), backend="c", wait=True)
    other(X)
    with pytest.warns(RuntimeWarning, match="differs from its NumPy program in result 0"):
        value = other(X)
    w.grad = None
    with pytest.warns(RuntimeWarning, match="differs from its NumPy program in result 0"):
        value.backward()
    assert np.allclose(w.grad.data, 2 * (X * X).sum(axis=0))


def test_hooks_run_as_often_as_with_numpy(stand):
    seen = []
    layer = nn.Linear(3, 2)
    layer.register_forward_hook(lambda module, inputs, output: seen.append(1))
    counts = []
    for backend in ("numpy", "c"):
        predict = mg.compile(layer, backend=backend, wait=True)
        for _ in range(4):
            predict(X)
        counts.append(len(seen))
        seen.clear()
    assert counts[0] == counts[1]


# its bits are compared

SPOILT = {
    "a result": lambda one: None,
    "a parameter": lambda one: one.model[0].weight.data,
    "a running mean": lambda one: one.model[1].running_mean.data,
    "a moment": lambda one: next(a for a in one.optimizer.state[one.model[0].weight].values() if np.ndim(a)),
    "a gradient": lambda one: one.compiled.last.outputs[0],
    "an array": lambda one: one.memory.data,
    "a generator": lambda one: one.generator,
    "the generator": lambda one: mg.random.generator(),
}


@pytest.mark.parametrize("what", SPOILT)
def test_other_bits_anywhere_warn_once_and_numpy_goes_on(what, stand):
    losses, left, _ = trained(5)
    one = Training(backend="c", wait=True)

    def wrong(numpy, arrays):
        results, thing = numpy(*arrays), SPOILT[what](one)
        if thing is None:
            return (np.nextafter(results[0], 9),)
        if isinstance(thing, np.ndarray):
            thing.flat[-1] = np.nextafter(thing.flat[-1], 9)
        else:
            thing.random()
        return results

    stand.behave = wrong
    found = [one.compiled(mg.Tensor(X)).item()]
    with pytest.warns(RuntimeWarning, match="differs from its NumPy program in .*Please report this") as caught:
        found.append(one.compiled(mg.Tensor(X * 2)).item())
    assert len(caught) == 1
    assert caught[0].filename == __file__
    found += [one.compiled(mg.Tensor(X * i)).item() for i in (3, 4, 5)]
    assert (found, one.left()) == (losses, left)
    assert stand.calls == 1
    assert state(one.compiled)[0] == "numpy"
    assert "C has computed other bits than NumPy" in state(one.compiled)[1]


def test_an_argument_that_is_overwritten_is_overwritten_once(stand):
    def step(x):
        x += 1
        return x * 2

    compiled = mg.compile(step, backend="c", wait=True)
    x = mg.Tensor(np.zeros(3))
    for i in range(1, 5):
        assert compiled(x).data[0] == 2 * i
    assert stand.calls == 3
    stand.behave = lambda numpy, arrays: (numpy(*arrays), arrays[0].fill(7))[0]
    other = mg.compile(step, backend="c", wait=True)
    other(x)
    with pytest.warns(RuntimeWarning, match="differs"):
        other(x)
    assert x.data[0] == 6


def test_an_error_of_c_alone_is_a_difference(stand):
    def fails(numpy, arrays):
        raise OSError("no such routine")

    losses, left, _ = trained(3)
    stand.behave = fails
    one = Training(backend="c", wait=True)
    found = [one.compiled(mg.Tensor(X)).item()]
    with pytest.warns(RuntimeWarning, match=r"an error that NumPy does not raise, OSError\('no such routine'\)"):
        found.append(one.compiled(mg.Tensor(X * 2)).item())
    found.append(one.compiled(mg.Tensor(X * 3)).item())
    assert (found, one.left()) == (losses, left)


def test_an_interrupt_while_bits_are_compared_leaves_everything_as_it_was(stand):
    def interrupted(numpy, arrays):
        numpy(*arrays)
        raise KeyboardInterrupt

    one = Training(backend="c", wait=True)
    one.compiled(mg.Tensor(X))
    before = one.left()
    stand.behave = interrupted
    with pytest.raises(KeyboardInterrupt):
        one.compiled(mg.Tensor(X))
    assert one.left() == before
    stand.behave = lambda numpy, arrays: numpy(*arrays)
    one.compiled(mg.Tensor(X * 2))
    one.compiled(mg.Tensor(X * 3))
    assert state(one.compiled)[0] == "c"
    assert (one.left()) == trained(3)[1]


def test_an_interrupt_after_c_says_that_memory_may_have_changed(stand):
    one = Training(backend="c", wait=True)
    for _ in range(2):
        one.compiled(mg.Tensor(X))

    def interrupted(numpy, arrays):
        numpy(*arrays)
        raise KeyboardInterrupt

    stand.behave = interrupted
    with pytest.raises(KeyboardInterrupt) as e:
        one.compiled(mg.Tensor(X))
    assert "runs in C, and may have changed parameters" in e.value.__notes__[0]


def test_nothing_is_compared_where_copies_take_more_than_half_of_the_memory(stand, monkeypatch):
    monkeypatch.setattr(policies, "free_memory", lambda: 1000)
    monkeypatch.setattr(policies, "TRIED", (".".join(np.__version__.split(".")[:2]),))
    one = Training(backend="c", wait=True)
    for i in range(3):
        one.compiled(mg.Tensor(X * (i + 1)))
    assert state(one.compiled)[0] == "c"
    assert "not compared with NumPy's: copies of 0 MiB would take more than half" in state(one.compiled)[1]
    assert one.left() == trained(3)[1]
    assert stand.calls == 2


def test_numpy_goes_on_where_its_version_is_untried_and_nothing_can_be_compared(stand, monkeypatch):
    monkeypatch.setattr(policies, "TRIED", ())
    double = mg.compile(lambda x: x * 2, backend="c", wait=True)
    double(X)
    double(X)
    assert state(double)[0] == "c"  # it has been compared
    monkeypatch.setattr(policies, "free_memory", lambda: 0)
    other = mg.compile(lambda x: x * 2, backend="c", wait=True)
    other(X)
    assert np.array_equal(other(X).data, X * 2)
    assert state(other)[0] == "numpy"
    assert f"NumPy {'.'.join(np.__version__.split('.')[:2])} has not been tried" in state(other)[1]


@pytest.mark.parametrize("unusual", [np.nan, np.inf, -np.inf, -0.0])
def test_the_first_call_with_an_unusual_result_is_compared_again(unusual, stand):
    def naive(numpy, arrays):  # as a C program might be that was written without nan and -0 in mind
        (z,) = numpy(*arrays)
        if not np.isfinite(z).all() or (z == 0).any():
            z[0, 0] = 9
        return (z,)

    stand.behave = naive
    double = mg.compile(lambda x: x * 2, backend="c", wait=True)
    for _ in range(5):
        double(X)
    assert state(double)[0] == "c"
    x = X.copy()
    x[1, 1] = unusual
    with pytest.warns(RuntimeWarning, match="differs"):
        z = double(x)
    assert z.data.tobytes() == (x * 2).tobytes()
    assert state(double)[0] == "numpy"


def test_after_an_unusual_result_of_a_step_that_changes_something_the_next_call_is_compared(stand):
    total = mg.Tensor(np.zeros(3))

    def step(x):
        with mg.no_grad():
            total.copy_(total + x)
        return total.sum()

    compiled = mg.compile(step, backend="c", wait=True)
    for x in (X[0], X[1], X[2], NAN[0], X[0]):
        compiled(x)
    assert stand.calls == 4
    assert compiled.last.policy.step is compiled.last.policy._run  # and nothing is looked at any more


def test_a_nan_is_a_nan(stand):
    stand.behave = lambda numpy, arrays: tuple(np.where(np.isnan(x), -np.float64(np.nan), x) for x in numpy(*arrays))
    double = mg.compile(lambda x: x * 2, backend="c", wait=True)
    for _ in range(3):
        double(NAN)
    assert state(double)[0] == "c"


# floating-point flags


def test_a_call_with_flags_runs_as_numpy_with_its_warnings(stand):
    w = mg.Tensor(np.ones(3), requires_grad=True)

    def step(x):
        w.grad = None
        z = (w * mg.log(x)).sum()  # of zero
        z.backward()
        with mg.no_grad():
            w.copy_(w - w.grad)
        return z

    stand.behave = lambda numpy, arrays: FLAGGED if (arrays[0] == 0).any() else numpy(*arrays)
    told = []
    for backend in ("numpy", "c"):
        w.data[:] = 1
        compiled = mg.compile(step, backend=backend, wait=True)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for x in (X[0], X[1], [1.0, 0.0, 2.0], X[2]):
                compiled(np.abs(x))
            with np.errstate(all="ignore"):
                compiled(np.zeros(3))
            rows = [compiled.source.splitlines()[c.lineno - 1] for c in caught]
            told.append(([str(c.message) for c in caught], rows, [c.category for c in caught], w.data.tobytes()))
        with (
            np.errstate(all="raise"),
            pytest.raises(FloatingPointError, match="divide by zero encountered in log") as e,
        ):
            compiled(np.zeros(3))
        assert "test_policy.py" in e.value.__notes__[0]
        assert "# of zero" in e.value.__notes__[0]
    assert told[0] == told[1]
    assert told[0][0][0] == "divide by zero encountered in log"
    assert "NumPy has run 2 calls because of floating-point flags." in state(compiled)[1]


def test_flags_in_the_call_that_compares_change_nothing(stand):
    losses, left, _ = trained(4)
    stand.behave = lambda numpy, arrays: FLAGGED
    one = Training(backend="c", wait=True)
    found = [one.compiled(mg.Tensor(X * i)).item() for i in (1, 2)]
    assert one.compiled.last.policy._checks == 0
    stand.behave = lambda numpy, arrays: numpy(*arrays)
    found += [one.compiled(mg.Tensor(X * i)).item() for i in (3, 4)]
    assert (found, one.left()) == (losses, left)
    assert one.compiled.last.policy._checks == 1


def test_numpy_goes_on_where_flags_mean_nothing_too_often(stand):
    double = mg.compile(lambda x: x * 2, backend="c", wait=True)
    stand.behave = lambda numpy, arrays: FLAGGED if arrays[0][0, 0] == 0 else numpy(*arrays)
    zero = X * 0
    for i in range(1200):  # in 1 % of the calls that is all right
        double(zero if i % 150 == 149 else X)
    assert state(double)[0] == "c"
    for _ in range(5):
        double(zero)
    assert state(double)[0] == "numpy"
    assert "of 1,2" in state(double)[1]
    assert "NumPy nothing to report" in state(double)[1]


def test_numpy_goes_on_where_most_calls_have_something_to_report(stand):
    stand.behave = lambda numpy, arrays: FLAGGED
    log = mg.compile(mg.log, backend="c", wait=True)
    with warnings.catch_warnings(action="ignore"):
        for _ in range(30):
            log(X * 0)
    assert state(log) == ("numpy", "in 20 of 20 calls NumPy had floating-point warnings to report.")


def test_flags_are_listened_to_under_the_settings_of_the_program(stand):
    """sigmoid silences overflow: its program runs in a context of its own."""
    stand.behave = lambda numpy, arrays: FLAGGED
    f = mg.compile(lambda x: mg.sigmoid(x) + mg.log(x), backend="c", wait=True)
    with pytest.warns(RuntimeWarning, match="in log"):
        f(X * 0)
    f(X * 0 + 1)
    for _ in range(3):
        with pytest.warns(RuntimeWarning, match="in log"):
            f(X * 0)
    assert f.last.policy.idle == 1
    f(-1000 * np.abs(X) * 0 + 1)
    assert f.last.policy.idle == 2


def test_who_listens_to_numpy_is_not_disturbed():
    heard = []
    with np.errstate(all="call", call=lambda kind, flag: heard.append(kind)):
        assert listen(np.log, [np.zeros(1)])[1]
    assert heard == ["divide by zero"]


# where there is no C


def test_numpy_goes_on_where_a_program_cannot_be_said_in_c(stand):
    stand.refusal = "np.fft is a routine of its own."
    double = mg.compile(lambda x: x * 2, backend="c", wait=True)
    for _ in range(3):
        assert np.array_equal(double(X).data, X * 2)
    assert state(double) == ("numpy", "np.fft is a routine of its own.")
    with pytest.raises(mg.CompileError, match=r"cannot be written in C: np\.fft is a routine"):
        double.source_as("c")


def test_numpy_goes_on_where_the_compiler_fails(stand):
    stand.failed = "the C compiler stopped with 1: error: no space left"
    double = mg.compile(lambda x: x * 2, backend="c", wait=True)
    for _ in range(3):
        assert np.array_equal(double(X).data, X * 2)
    assert state(double) == ("numpy", stand.failed)


def test_numpy_goes_on_without_a_compiler(monkeypatch, stand):
    monkeypatch.setattr(build, "Build", Build)
    monkeypatch.setenv("CC", "no-such-compiler")
    double = mg.compile(lambda x: x * 2, backend="c", wait=True)
    assert np.array_equal(double(X).data, double(X).data)
    assert state(double) == ("numpy", "CC is 'no-such-compiler', and `no-such-compiler --version` does not run.")


def test_a_fault_of_the_writer_is_a_sentence(monkeypatch, stand):
    def broken(raw, outputs):
        raise KeyError("shape")

    monkeypatch.setattr(native, "Native", broken)
    double = mg.compile(lambda x: x * 2, backend="c", wait=True)
    assert np.array_equal(double(X).data, X * 2)
    assert state(double) == ("numpy", "C could not be made: KeyError: 'shape'")


def test_c_is_for_the_exact_mode(stand):
    double = mg.compile(lambda x: x * 2, mode="fast", backend="c", wait=True)
    for _ in range(3):
        double(X)
    assert double.wait()
    assert state(double) == ("numpy", "C computes what mode='exact' computes, and the mode is 'fast'.")
    assert stand.calls == 0


def test_the_source_is_there_without_a_compiler(stand):
    double = mg.compile(lambda x: x * 2)
    double(X)
    assert double.source_as("c") == "int step;"
    assert state(double) == ("numpy", "")
    with pytest.raises(ValueError, match="'exact', 'plain' or 'c', found 'rust'"):
        double.source_as("rust")


# settings


@pytest.fixture
def setting(monkeypatch):
    """The process-wide setting, as it was afterwards."""
    monkeypatch.setattr(backends, "_backend", None)


def test_one_setting_for_the_process(setting, stand, monkeypatch):
    assert mg.get_compile_backend() == "numpy"
    monkeypatch.setenv("MICROGRAD_NP_COMPILE_BACKEND", "c")
    assert mg.get_compile_backend() == "c"
    mg.set_compile_backend("numpy")
    assert mg.get_compile_backend() == "numpy"
    double = mg.compile(lambda x: x * 2, wait=True)
    double(X)
    assert state(double) == ("numpy", "")
    mg.set_compile_backend("c")
    double(X[:2])
    double(X[:2])
    assert state(double)[0] == "c"
    numpy = mg.compile(lambda x: x * 2, backend="numpy")
    numpy(X)
    assert state(numpy) == ("numpy", "")


def test_a_backend_that_there_is_not_is_refused_with_those_that_there_are(setting, monkeypatch):
    for ask in (lambda: mg.compile(abs, backend="cuda"), lambda: mg.set_compile_backend("cuda")):
        with pytest.raises(ValueError, match="backend must be 'numpy' or 'c', found 'cuda'"):
            ask()
    monkeypatch.setenv("MICROGRAD_NP_COMPILE_BACKEND", "cuda")
    with pytest.raises(ValueError, match=r"the environment variable MICROGRAD_NP_COMPILE_BACKEND: .* found 'cuda'"):
        mg.compile(lambda x: x * 2)(X)


def test_the_decorator_takes_the_same_settings(stand):
    @mg.compile(backend="c", wait=True)
    def double(x):
        return x * 2

    double(X)
    double(X)
    assert state(double)[0] == "c"


def test_a_pickled_step_keeps_its_backend(stand):
    again = pickle.loads(pickle.dumps(mg.compile(mg.exp, backend="c", wait=True, verify=True)))
    assert (again.backend, again.waits, again.verify, again.mode) == ("c", True, True, "exact")
    again(X)
    again(X)
    assert state(again)[0] == "c"


def test_the_report_prints_what_runs(stand):
    double = mg.compile(lambda x: x * 2, backend="c", wait=True)
    double(X)
    double(X)
    assert str(double.report()).endswith("\n  backend  c: its bits are those of NumPy's program.")


# processes and threads


def test_threads_take_turns(stand):
    one = Training(backend="c", wait=True)
    one.compiled(mg.Tensor(X))
    one.compiled(mg.Tensor(X))
    inside = threading.Semaphore(1)
    overlaps = []

    def alone(numpy, arrays):
        if not inside.acquire(blocking=False):
            overlaps.append(1)
        results = numpy(*arrays)
        inside.release()
        return results

    stand.behave = alone
    threads = [threading.Thread(target=lambda: [one.compiled(mg.Tensor(X)) for _ in range(50)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not overlaps
    assert stand.calls == 151


PROGRAM = """
import os, sys, time
import numpy as np
import micrograd_np as mg
import micrograd_np.compiler.c.native as native

class Native:
    source, lines = "int step;", {}
    def __init__(self, raw, outputs): pass
    def bind(self, path): return lambda x: (x * 2,)

native.Native = Native
double = mg.compile(lambda x: x * 2, backend="c")
x = np.ones(3)
"""


def run(program, **environment):
    """What a process prints."""
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM + program],
        capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment},
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert not found.stderr
    return found.stdout


@pytest.mark.thorough
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_goes_on_with_what_is_loaded_and_forgets_what_is_compiled(tmp_path):
    slow = tmp_path / "slow"
    slow.write_text('#!/bin/sh\n[ "$1" = --version ] && exec echo slow\nsleep 30\n')
    slow.chmod(0o700)
    fork = """
def forked(f):
    sys.stdout.flush()
    if os.fork() == 0:
        f(); sys.stdout.flush(); os._exit(0)
    os.wait()
def show():
    double(x); print(double.report().backend, double.report().reason)
"""
    code = "double(x); double.wait(); double(x); show(); forked(show)"
    kept = "c its bits are those of NumPy's program.\n"
    assert run(fork + code) == 2 * kept
    code = """
import warnings; warnings.simplefilter("ignore")  # Python warns of forks beside threads
double(x); double(x); show()
def child():
    show(); assert double.wait(); show()
    os.environ["CC"] = "cc"  # another program can be compiled
    other = mg.compile(lambda x: x * 2, backend="c", wait=True); other(x); other(x); print(other.report().backend)
forked(child)
"""
    forgotten = "numpy this process was forked while C was being compiled.\n"
    found = run(fork + code, CC=str(slow))
    assert found == "compiling C is being written and compiled.\n" + 2 * forgotten + "c\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_that_is_forked_while_the_compiler_is_being_imported_can_import_it(tmp_path):
    code = """
import warnings; warnings.simplefilter("ignore")  # Python warns of forks beside threads
class Slow:
    def find_spec(self, name, path, target=None):  # finds nothing, slowly
        if name.endswith("c.cache"):
            importing.append(name); time.sleep(0.5)
importing = []
sys.meta_path.insert(0, Slow())
double(x); double(x)
while not importing: time.sleep(0.01)
if os.fork() == 0:
    other = mg.compile(lambda x: x * 2, backend="c", wait=True); other(x); other(x); print(other.report().backend)
    sys.stdout.flush(); os._exit(0)
os.wait()
"""
    assert run(code) == "c\n"


@pytest.mark.thorough
def test_a_process_ends_at_once_while_c_is_written_or_compiled(tmp_path):
    slow = tmp_path / "slow"
    slow.write_text('#!/bin/sh\n[ "$1" = --version ] && exec echo slow\nsleep 30\n')
    slow.chmod(0o700)
    home = tmp_path / "home"
    home.mkdir()
    environment = {"CC": str(slow), "XDG_CACHE_HOME": str(home)}
    run("double(x); double(x); time.sleep(0.5); print(list(os.walk(os.environ['XDG_CACHE_HOME'])))", **environment)
    run("double(x); double(x)", **environment)
    writing = "def slow(self, *_): time.sleep(30)\nNative.__init__ = slow\ndouble(x); double(x)"
    run(writing, **environment)
    assert not [path for path in home.rglob("*") if path.is_file()]
