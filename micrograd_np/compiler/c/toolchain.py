"""The C compiler of this machine, the flags that keep NumPy's bits, and what compiled code depends on."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

__all__ = ["Compiler", "find_compiler"]

# nothing is contracted, reordered or assumed finite, and whole numbers wrap around; errno and traps are not kept; never
# -ffast-math
_FLAGS = (
    *("-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"),
    *("-fno-strict-aliasing", "-fwrapv", "-shared", "-fPIC", "-std=gnu11", "-w"),  # masks are read as integers
)


class Compiler(NamedTuple):
    """A command that compiles C, what it says of its version, and its flags."""

    command: tuple[str, ...]
    version: str
    flags: tuple[str, ...]

    def arguments(self, source: str, target: str) -> list[str]:
        """The command line that makes a library of a source file."""
        return [*self.command, *self.flags, "-o", target, source, "-lm", "-pthread"]

    def key(self, source: str) -> str:
        """A name for what is compiled: it differs wherever the machine code, or what it may assume, could differ."""
        parts = (source, repr(tuple(self)), _processor(), np.__version__, sys.platform)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def find_compiler() -> Compiler | str:
    """The compiler that the variable CC names, else cc, gcc, clang or zig; or a sentence that says what is missing."""
    named = os.environ.get("CC", "").strip()
    return _find(named, os.environ.get("PATH", ""))


@functools.cache
def _find(named: str, path: str) -> Compiler | str:
    """`find_compiler` for a CC and a PATH."""
    if named:
        return _examine(tuple(shlex.split(named))) or f"CC is {named!r}, and `{named} --version` does not run."
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name, path=path) and (compiler := _examine((name,))):
            return compiler
    if importlib.util.find_spec("ziglang") and (compiler := _examine((sys.executable, "-m", "ziglang", "cc"))):
        return compiler
    return "no C compiler is installed (none of CC, cc, gcc, clang, nor the package ziglang)."


def _examine(command: tuple[str, ...]) -> Compiler | None:
    """The compiler behind a command, if it runs."""
    try:
        run = subprocess.run(  # noqa: S603 - the user's own compiler, without a shell
            [*command, "--version"], capture_output=True, text=True, timeout=60, check=True, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    by_cpu = "ziglang" in command or platform.machine().lower().startswith(("arm", "aarch64", "ppc"))
    native = "-mcpu=native" if by_cpu else "-march=native"  # clang says on ARM that it does not know the other one
    return Compiler(command, run.stdout.strip(), (native, *_FLAGS))


@functools.cache
def _processor() -> str:
    """What is known of this processor: code for another may use instructions that this one does not have."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    except OSError:
        lines = []
    named = [x for x in lines if x.split("\t")[0].strip() in {"model name", "flags", "Features", "CPU part"}]
    return "\n".join(
        [platform.machine(), platform.processor(), str(np.show_config("dicts")["SIMD Extensions"]), *named]
    )
