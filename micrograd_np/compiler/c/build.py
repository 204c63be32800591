"""C compiled into a library, by a process that ends with this one and leaves no half file."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import weakref
from pathlib import Path

from .cache import cache
from .places import Unsupported
from .toolchain import Compiler, find_compiler

__all__ = ["Build"]

_NICER = 10  # than the user's own program, which goes first


class Build:
    """A compilation of C, which has been started. Raises Unsupported without a compiler or with a full disk."""

    def __init__(self, source: str) -> None:
        compiler = find_compiler()
        if isinstance(compiler, str):
            raise Unsupported(compiler)
        try:
            self._path, self._work, self._why = cache.place(compiler.key(source), source)
            if self._work is not None:
                started: list[subprocess.Popen[bytes]] = []  # known before it starts: Ctrl-C may come at any moment
                self._end = weakref.finalize(self, _end, started, self._work, os.getpid())  # at exit, too
                started.append(_start(compiler, self._work))
                self._process = started[0]
        except OSError as error:
            raise Unsupported(f"C cannot be compiled: {error}.") from None

    def wait(self) -> tuple[Path, str]:
        """The path of the library, as soon as it is there, and why it is not in the user's cache, in a sentence.

        Raises Unsupported, which says what the compiler complains about.
        """
        if self._work is not None:
            try:
                if code := self._process.wait():
                    text = (self._work / "complaints").read_text(encoding="utf-8", errors="replace")
                    rows = text.splitlines() or ["it does not say why"]
                    first = next((row for row in rows if "error" in row), rows[0]).strip()
                    raise Unsupported(f"the C compiler stopped with {code}: {first}")
                cache.keep(self._work, self._path)
            finally:
                self._end()
        return self._path, self._why


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
            os.setpriority(os.PRIO_PROCESS, process.pid, os.getpriority(os.PRIO_PROCESS, 0) + _NICER)
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
