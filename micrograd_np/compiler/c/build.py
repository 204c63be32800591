"""C compiled in the background: started at once, looked at between calls, ended with the process."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import weakref
from pathlib import Path

from .cache import cache
from .toolchain import Compiler, find_compiler

__all__ = ["Build"]

_NICE = 10  # the user's own program goes first


class Build:
    """A compilation of C into a library. `state` is "compiling", "ready" (then `path` is the library) or "failed".

    `why` says in a sentence why it failed, or why a ready library is not in the cache. Nothing is raised: without a
    compiler, with a full disk, or in a process that was forked meanwhile, the build has failed.
    """

    def __init__(self, source: str) -> None:
        self.path: Path | None = None
        self.why = ""
        self._state, self._owner, self._lock = "compiling", os.getpid(), threading.Lock()
        compiler = find_compiler()
        if isinstance(compiler, str):
            self._fail(compiler)
            return
        try:
            self.path, self._work, self.why = cache.place(compiler.key(source), source)
            if self._work is None:
                self._state = "ready"
            else:
                started: list[subprocess.Popen[bytes]] = []  # known before it starts: Ctrl-C may come at any moment
                self._end = weakref.finalize(self, _end, started, self._work, self._owner)  # at exit, too
                started.append(_start(compiler, self._work))
                self._process = started[0]
        except OSError as error:
            self._fail(f"C cannot be compiled: {error}.")

    @property
    def state(self) -> str:
        """Where it stands now."""
        if self._state == "compiling":
            if os.getpid() != self._owner:
                self._fail("this process was forked while C was being compiled.")
            elif (code := self._process.poll()) is not None and self._lock.acquire(blocking=False):
                try:
                    self._finish(code)
                finally:
                    self._lock.release()
        return self._state

    def wait(self, timeout: float | None = None) -> str:
        """The state once it is no longer "compiling", or after `timeout` seconds."""
        if self.state == "compiling":
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._process.wait(timeout)
                with self._lock:
                    self._finish(code)
        return self._state

    def cancel(self) -> None:
        """End the compiler and remove what it has written; no effect once it is done."""
        if self.state == "compiling":
            with self._lock:
                if self._state == "compiling":
                    self._end()
                    self._fail("the compilation was cancelled.")

    def _finish(self, code: int) -> None:
        """Move the library to its place, or read what the compiler complains about."""
        if self._state != "compiling" or self.path is None or self._work is None:
            return
        if code:
            complaints = (self._work / "complaints").read_text(encoding="utf-8", errors="replace").splitlines()
            first = next((x for x in complaints if "error" in x), next(iter(complaints), "it does not say why"))
            self._fail(f"the C compiler stopped with {code}: {first.strip()}")
        elif problem := cache.keep(self._work, self.path):
            self._fail(problem)
        else:
            self._state = "ready"
        self._end()

    def _fail(self, why: str) -> None:
        self._state, self.why, self.path = "failed", why, None


def _start(compiler: Compiler, work: Path) -> subprocess.Popen[bytes]:
    """The compiler, out of reach of Ctrl-C; its temporary files and its complaints go to its own folder."""
    with (work / "complaints").open("wb") as complaints:
        process = subprocess.Popen(  # noqa: S603 - the user's own compiler, without a shell
            compiler.arguments("step.c", "step"),
            cwd=work,
            env={**os.environ, "TMPDIR": str(work), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            start_new_session=True,
            creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
        )
    if sys.platform != "win32":
        with contextlib.suppress(OSError):  # it is done already
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
    return process


def _end(started: list[subprocess.Popen[bytes]], work: Path, owner: int) -> None:
    """End a compiler with all that it has started, and remove its folder; in the process that started it."""
    if os.getpid() != owner:
        return
    for process in started:
        if process.poll() is not None:
            continue
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)  # it leads a session of its own
        process.wait()
    shutil.rmtree(work, ignore_errors=True)
