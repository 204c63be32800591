"""Every program that these tests compile is checked against the rules of programs and of memory.

Tests marked `native` run with both backends; with MICROGRAD_NP_COMPILE_BACKEND=c all tests run in C. Then programs run
in C from their second call on, which compares it with NumPy; a difference is a warning, and so an error.
"""

import pytest

import micrograd_np as mg
import micrograd_np.compiler.step as compiled_steps


def pytest_generate_tests(metafunc):
    """Run tests marked `native` with both backends."""
    if metafunc.definition.get_closest_marker("native"):
        metafunc.fixturenames.append("backend")
        metafunc.parametrize("backend", ["numpy", "c"], indirect=True)


@pytest.fixture
def backend(request, monkeypatch):
    """The backend of all programs of a test."""
    monkeypatch.setenv("MICROGRAD_NP_COMPILE_BACKEND", request.param)
    monkeypatch.setattr(compiled_steps, "WAIT", request.param == "c")


@pytest.fixture(autouse=True)
def verified(monkeypatch):
    monkeypatch.setattr(compiled_steps, "VERIFY", True)
    monkeypatch.setattr(compiled_steps, "WAIT", mg.get_compile_backend() == "c")
