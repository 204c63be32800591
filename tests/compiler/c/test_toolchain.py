"""The compiler that is found, its flags, and what a key depends on."""

import os
import sys

import numpy as np
import pytest

from micrograd_np.compiler.c import toolchain
from micrograd_np.compiler.c.toolchain import Compiler, find_compiler


def script(folder, name, says="a compiler 1.0", code=0):
    """A program that says what it is and does nothing."""
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    path.chmod(0o700)
    return path


only_posix = pytest.mark.skipif(os.name != "posix", reason="the programs of this test are shell scripts")


@only_posix
def test_cc_is_asked_first_then_what_is_usual(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    clang, gcc = script(tmp_path, "clang"), script(tmp_path, "gcc")
    script(tmp_path, "cc", code=1)  # does not run
    monkeypatch.delenv("CC", raising=False)
    assert find_compiler().command == ("gcc",)
    monkeypatch.setenv("CC", f"{clang} -m64")
    assert find_compiler().command == (str(clang), "-m64")
    monkeypatch.setenv("CC", str(tmp_path / "other"))
    assert "does not run" in find_compiler()  # and no other is taken in its place
    gcc.unlink()


@only_posix
def test_zig_is_taken_where_nothing_else_is_and_its_flags_are_its_own(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(toolchain.importlib.util, "find_spec", lambda name: None)
    toolchain._find.cache_clear()
    assert "no C compiler" in find_compiler()
    monkeypatch.setattr(toolchain.importlib.util, "find_spec", lambda name: name == "ziglang" or None)
    python = script(tmp_path, "python", "clang version 20")
    monkeypatch.setattr(sys, "executable", str(python))
    toolchain._find.cache_clear()
    found = find_compiler()
    toolchain._find.cache_clear()
    assert found.command == (str(python), "-m", "ziglang", "cc")
    assert "-mcpu=native" in found.flags
    assert "-march=native" not in found.flags


@only_posix
@pytest.mark.parametrize(
    ("machine", "flag"), [("x86_64", "-march"), ("AMD64", "-march"), ("aarch64", "-mcpu"), ("arm64", "-mcpu")]
)
def test_this_processor_is_named_by_the_flag_that_its_compilers_know(machine, flag, monkeypatch, tmp_path):
    """Clang 14 for ARM, and Apple's, stop at -march=native: "the clang compiler does not support" it."""
    monkeypatch.setenv("CC", str(script(tmp_path, machine)))
    monkeypatch.setattr(toolchain.platform, "machine", lambda: machine)
    assert [x for x in find_compiler().flags if x.endswith("=native")] == [f"{flag}=native"]


def test_flags_keep_the_bits():
    found = find_compiler()
    if isinstance(found, str):
        pytest.skip(found)
    arguments = found.arguments("a.c", "a.so")
    assert {"-ffp-contract=off", "-O3", "-shared", "-fPIC"} <= set(arguments)
    assert not any("fast" in x or "unsafe" in x for x in arguments)


def test_a_key_changes_with_all_that_it_depends_on(monkeypatch):
    compiler = Compiler(("cc",), "1", ("-O3",))
    keys = {compiler.key("int x;"), compiler.key("int y;")}
    keys |= {
        compiler._replace(**{name: x}).key("int x;")
        for name, x in [("version", "2"), ("flags", ()), ("command", ("c",))]
    }
    monkeypatch.setattr(np, "__version__", "0")
    keys.add(compiler.key("int x;"))
    monkeypatch.setattr(toolchain, "_processor", lambda: "another")
    keys.add(compiler.key("int x;"))
    assert len(keys) == 7
    assert compiler.key("int x;") in keys
