"""Every program that these tests compile is checked against the rules of programs and of memory."""

import pytest

import micrograd_np.compiler.step as compiled_steps


@pytest.fixture(autouse=True)
def verified(monkeypatch):
    monkeypatch.setattr(compiled_steps, "VERIFY", True)
    monkeypatch.setattr(compiled_steps, "WAIT", True)
