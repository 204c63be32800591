"""C is compiled in the background, and leaves nothing half done."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from together import sparing

from micrograd_np.compiler.c.build import Build
from micrograd_np.compiler.c.cache import cache
from micrograd_np.compiler.c.places import Unsupported
from micrograd_np.compiler.c.toolchain import find_compiler

compiler = find_compiler()
pytestmark = [
    pytest.mark.skipif(isinstance(compiler, str), reason=str(compiler)),
    pytest.mark.skipif(os.name != "posix", reason="the programs of these tests are shell scripts"),
]
SOURCE = "int answer(void) { return 42; }"


@pytest.fixture
def home(monkeypatch, tmp_path):
    """A cache of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache" / "micrograd_np" / "c"


@pytest.fixture
def slow(monkeypatch, tmp_path):
    """A compiler that starts a program of its own and takes its time; where it writes how far it came."""
    path, log = tmp_path / "slow", tmp_path / "log"
    path.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && exec echo slow\necho half > step\necho started >> {log}\n'
        f"sh -c 'sleep 20; echo done >> {log}'\necho whole > step\n"
    )
    path.chmod(0o700)
    monkeypatch.setenv("CC", str(path))
    return log


def alive(group):
    """The processes of a group that still run (as far as /proc says; a zombie does not run)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            state, _, process_group = path.read_text().rpartition(")")[2].split()[:3]
            found += [path] if process_group == str(group) and state not in "ZX" else []
    return found


def until(condition):
    """Wait for something that happens soon, though not so soon on an emulated processor."""
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("it did not happen")


def test_a_library_is_compiled_and_found_again(home, monkeypatch):
    path, why = Build(SOURCE).wait()
    assert why == ""
    assert ctypes.CDLL(str(path)).answer() == 42
    assert [x.name for x in home.iterdir()] == [path.name]  # no folder is left
    monkeypatch.setattr("subprocess.Popen", None)  # which is not asked again
    assert Build(SOURCE).wait() == (path, "")


def test_nobody_waits_while_it_compiles(home, slow):
    began = time.perf_counter()
    build = Build(SOURCE)
    assert time.perf_counter() - began < 5
    until(slow.exists)
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, build._process.pid) == min(own + 10, 19)  # 19 is the lowest
    del build
    assert list(home.iterdir()) == []


def test_a_compiler_is_ended_with_all_that_it_started(home, slow):
    build = Build(SOURCE)
    until(slow.exists)
    group = build._process.pid
    until(lambda: len(alive(group)) > 1 or not Path("/proc").exists())
    del build
    until(lambda: alive(group) == [])
    assert slow.read_text() == "started\n"


@pytest.mark.parametrize(
    "ending", sparing(["raise KeyboardInterrupt", "pass", "sys.exit(3)", "del build; gc.collect()"], 4)
)
def test_a_compiler_ends_with_the_process_and_leaves_no_half_file(home, slow, ending):
    code = f"""
import gc, sys, time
from pathlib import Path
from micrograd_np.compiler.c.build import Build
build = Build({SOURCE!r})
while not Path({str(slow)!r}).exists():
    time.sleep(0.01)
print(build._process.pid, flush=True)
{ending}
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    until(lambda: alive(int(run.stdout)) == [])
    assert list(home.iterdir()) == []


def test_ctrl_c_ends_a_program_and_its_compiler(home, slow):
    code = f"""
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background may have it ignored
from micrograd_np.compiler.c.build import Build
Build({SOURCE!r}).wait()
"""
    child = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    until(slow.exists)
    child.send_signal(signal.SIGINT)
    child.wait()
    assert list(home.iterdir()) == []
    time.sleep(0.1)
    assert slow.read_text() == "started\n"


def test_a_forked_child_forgets_the_compiler_and_lets_it_be(home, slow):
    build = Build(SOURCE)
    until(slow.exists)
    code = os.fork()
    if code == 0:  # the child
        build._end()  # what happens at exit
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(code, 0)[1]) == 0
    assert build._process.poll() is None
    assert len(list(home.iterdir())) == 1


def test_what_does_not_compile_is_one_sentence(home):
    with pytest.raises(Unsupported, match="forty_two") as error:
        Build("int answer(void) { return forty_two; }").wait()
    assert "\n" not in str(error.value)
    assert list(home.iterdir()) == []


def test_no_compiler_is_one_sentence(home, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(Unsupported, match=r"^CC is .*, and `no-such-compiler --version` does not run\.$"):
        Build(SOURCE)


@pytest.mark.parametrize("place", ["mkdtemp", "replace"])
def test_a_full_disk_is_one_sentence(home, monkeypatch, place):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    if place == "mkdtemp":
        monkeypatch.setattr("tempfile.mkdtemp", full)
        monkeypatch.setattr(cache, "temporary", None)
    else:
        monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(Unsupported, match="No space left") as error:
        Build(SOURCE).wait()
    assert "\n" not in str(error.value)
    assert not home.exists() or list(home.iterdir()) == []


@pytest.mark.thorough
def test_processes_that_compile_the_same_do_not_disturb_each_other(home):
    code = f"""
import ctypes
from micrograd_np.compiler.c.build import Build
path, _ = Build({SOURCE!r}).wait()
assert ctypes.CDLL(str(path)).answer() == 42
"""
    children = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [child.wait() for child in children] == [0, 0, 0]
    assert len(list(home.iterdir())) == 1
