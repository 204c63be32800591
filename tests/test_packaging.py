"""What is asked for at installation, and where."""

import re
import tomllib
from pathlib import Path

import pytest

Requirement = pytest.importorskip("packaging.requirements").Requirement  # pytest brings it along
ROOT = Path(__file__).parents[1]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
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


def test_the_install_page_names_every_extra_and_its_packages():
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \| ([^|]+) \|", page, re.MULTILINE)
    shown = {extra: set(packages.split(", ")) for extra, packages in rows}
    assert shown == {extra: {Requirement(line).name for line in lines} for extra, lines in EXTRAS.items()}
