"""Every layer beside what PyTorch computed and showed, which ``tests/peers/record_numbers.py`` has recorded."""

import numpy as np
import pytest
from layer_cases import IN_FLOAT32, RECORDED, recorded, title, weighed
from recorded import answers
from together import together

import micrograd_np as mg
from micrograd_np import nn


@together
@pytest.mark.parametrize("case", RECORDED, ids=lambda case: title(*case))
def test_a_layer_computes_what_pytorchs_computed_and_is_shown_alike(case):
    expression, arguments, settings = case
    model = weighed(eval(f"nn.{expression}", {"nn": nn}))
    expected, shown = answers()[title(*case)]  # a new one: run tests/peers/record_numbers.py where PyTorch is
    assert repr(model) == shown
    found = recorded(model, arguments, settings, mg.Tensor)
    assert found.shape == expected.shape
    rtol = 1e-6 if expression.startswith(IN_FLOAT32) else 1e-9
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol)


@together
@pytest.mark.parametrize("case", RECORDED, ids=lambda case: title(*case))
def test_a_class_derived_from_a_layer_computes_what_the_layer_does(case):
    expression, arguments, settings = case
    name = expression.partition("(")[0]
    derived = type(f"Own{name}", (getattr(nn, name),), {"__doc__": "Your own."})
    model, own = (
        weighed(eval(f"{start}{expression[len(name) :]}", {"nn": nn, "Own": derived}))
        for start in (f"nn.{name}", "Own")
    )
    np.testing.assert_array_equal(*(recorded(m.eval(), arguments, settings, mg.Tensor) for m in (model, own)))
    assert derived.__doc__ == "Your own."


def test_no_two_cases_have_one_name():
    assert len({title(*case) for case in RECORDED}) == len(RECORDED)


def test_statistics_are_the_mean_of_several_batches_without_a_momentum():
    norm = nn.BatchNorm2d(3, momentum=None)
    batches = np.random.default_rng(0).normal(size=(3, 4, 3, 2, 5))
    for batch in batches:
        norm(mg.Tensor(batch))
    np.testing.assert_allclose(norm.running_mean.data, batches.mean((0, 1, 3, 4)), rtol=1e-12)
    np.testing.assert_allclose(norm.running_var.data, batches.var((1, 3, 4), ddof=1).mean(0), rtol=1e-12)
    assert norm.num_batches_tracked.item() == 3
