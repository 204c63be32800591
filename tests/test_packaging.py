"""What is asked for at installation, and where."""

import tomllib
from pathlib import Path

import pytest

Requirement = pytest.importorskip("packaging.requirements").Requirement  # pytest brings it along
EXTRAS = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]
WHEELS = [("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("darwin", "x86_64"), ("win32", "AMD64")]
NONE = [("linux", "armv7l"), ("linux", "riscv64"), ("linux", "ppc64le"), ("win32", "ARM64"), ("win32", "x86")]


def asked(system, machine, implementation="CPython"):
    (pygraphviz,) = map(Requirement, EXTRAS["render"])
    return pygraphviz.marker.evaluate(
        {"sys_platform": system, "platform_machine": machine, "platform_python_implementation": implementation}
    )


@pytest.mark.parametrize(("system", "machine"), WHEELS)
def test_pygraphviz_is_asked_for_where_it_has_wheels(system, machine):
    assert asked(system, machine)
    assert not asked(system, machine, "PyPy")


@pytest.mark.parametrize(("system", "machine"), NONE)
def test_pygraphviz_is_not_asked_for_where_it_has_none(system, machine):
    assert not asked(system, machine)


def test_pygraphviz_can_be_left_out():
    """No marker tells musl from glibc."""
    assert not any("pygraphviz" in line or "render" in line for line in EXTRAS["examples"] + EXTRAS["test"])
