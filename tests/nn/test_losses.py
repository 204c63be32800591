"""Losses as modules: what they are called with is what their functions get."""

import inspect

import pytest
from together import together

from micrograd_np import nn

LOSSES = [getattr(nn, name) for name in nn.__all__ if name.endswith("Loss")]


@together
@pytest.mark.parametrize("kind", LOSSES)
def test_the_constructor_has_the_settings_of_the_function_in_its_order_and_with_its_defaults(kind):
    function = list(inspect.signature(kind._function).parameters.values())
    tensors = len(inspect.signature(kind.forward).parameters) - 1  # without self
    settings = inspect.signature(kind).parameters.values()
    assert [(x.name, x.default) for x in settings] == [(x.name, x.default) for x in function[tensors:]]
