"""Every program that these tests compile is checked against the rules of programs and of memory.

With MICROGRAD_NP_COMPILE_BACKEND=c, programs run in C from their second call on, which compares it with NumPy.
"""

import pytest

import micrograd_np as mg
import micrograd_np.compiler.step as compiled_steps


@pytest.fixture(autouse=True)
def verified(monkeypatch):
    monkeypatch.setattr(compiled_steps, "VERIFY", True)
    monkeypatch.setattr(compiled_steps, "WAIT", mg.get_compile_backend() == "c")
