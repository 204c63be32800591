"""Tests of the C backend say themselves what runs in C and what waits for it, whatever the process was told."""

import pytest

import micrograd_np.compiler.step as compiled_steps


@pytest.fixture(autouse=True)
def untold(verified, monkeypatch):
    monkeypatch.delenv("MICROGRAD_NP_COMPILE_BACKEND", raising=False)
    monkeypatch.setattr(compiled_steps, "WAIT", False)
