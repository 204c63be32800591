"""Tensors, layers and results print as in PyTorch 2.13: digits, widths, line breaks, what is left out."""

import numpy as np
import pytest
from together import together

from micrograd_np import nn as plain
from micrograd_np import torch
from micrograd_np.torch import nn

inf, nan = float("inf"), float("nan")
PRINTED = {
    "whole numbers": (lambda: torch.tensor([1.0, -2.0]), "tensor([ 1., -2.])"),
    "digits": (lambda: torch.tensor([0.1, 100.0]), "tensor([  0.1000, 100.0000])"),
    "a wide range": (lambda: torch.tensor([0.001, 1000.0]), "tensor([1.0000e-03, 1.0000e+03])"),
    "whole and wide": (lambda: torch.tensor([1e10, 1.0]), "tensor([1.0000e+10, 1.0000e+00])"),
    "small": (lambda: torch.tensor(1e-10), "tensor(1.0000e-10)"),
    "no numbers": (lambda: torch.tensor([nan, inf, 1.0]), "tensor([nan, inf, 1.])"),
    "a mask": (lambda: torch.tensor([[0.0, -inf], [0.0, 0.0]]), "tensor([[0., -inf],\n        [0., 0.]])"),
    "zeros": (lambda: torch.zeros(2), "tensor([0., 0.])"),
    "half": (lambda: torch.tensor([1.5, 2.0]).half(), "tensor([1.5000, 2.0000], dtype=torch.float16)"),
    "bools": (lambda: torch.tensor([True, False]), "tensor([ True, False])"),
    "integers": (lambda: torch.tensor([10, -1]).int(), "tensor([10, -1], dtype=torch.int32)"),
    "nothing": (lambda: torch.zeros(2, 0), "tensor([], size=(2, 0))"),
    "no integers": (lambda: torch.zeros(0).long(), "tensor([], dtype=torch.int64)"),
    "left out": (lambda: torch.arange(2000), "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"),
    "a long line": (
        lambda: torch.arange(10) / 10,
        "tensor([0.0000, 0.1000, 0.2000, 0.3000, 0.4000, 0.5000, 0.6000, 0.7000, 0.8000,\n        0.9000])",
    ),
    "a note on a line of its own": (
        lambda: torch.ones(8, requires_grad=True).exp(),
        "tensor([2.7183, 2.7183, 2.7183, 2.7183, 2.7183, 2.7183, 2.7183, 2.7183],\n       grad_fn=<exp>)",
    ),
    "three axes": (lambda: torch.zeros(2, 1, 2), "tensor([[[0., 0.]],\n\n        [[0., 0.]]])"),
    "a pair": (
        lambda: torch.tensor([[1, 5]]).max(1),
        "torch.return_types.max(\nvalues=tensor([5]),\nindices=tensor([1]))",
    ),
    "a parameter": (lambda: nn.Parameter(torch.ones(1)), "Parameter containing:\ntensor([1.], requires_grad=True)"),
    "a convolution": (
        lambda: nn.Conv2d(1, 2, 3, padding=1, bias=False),
        "Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)",
    ),
    "in place": (lambda: nn.LeakyReLU(0.2, inplace=True), "LeakyReLU(negative_slope=0.2, inplace=True)"),
    "recurrent": (lambda: nn.LSTM(2, 3, batch_first=True), "LSTM(2, 3, batch_first=True)"),
    "matched": (
        lambda: nn.Linear(1, 1).load_state_dict(nn.Linear(1, 1).state_dict()),
        "<All keys matched successfully>",
    ),
}


@together
@pytest.mark.parametrize("what", PRINTED)
def test_what_is_printed_is_what_pytorch_prints(what):
    make, text = PRINTED[what]
    assert repr(make()) == text


def test_the_middle_of_every_long_axis_is_left_out():
    rows = repr(torch.arange(2000.0).reshape(40, 50)).splitlines()
    assert rows[0] == "tensor([[0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 4.7000e+01, 4.8000e+01,"
    assert rows[6] == "        ...,"
    assert len(rows) == 13


@pytest.fixture
def options():
    yield torch.set_printoptions
    torch.set_printoptions(profile="default")


def test_options_of_printing_are_those_of_pytorch(options):
    options(precision=2, sci_mode=False)
    assert repr(torch.tensor([1.23456, 100000.0])) == "tensor([     1.23, 100000.00])"
    options(profile="full")
    assert "..." not in repr(torch.arange(2000))
    options(profile="short", linewidth=30)
    assert repr(torch.arange(4) / 4) == "tensor([0.00, 0.25, 0.50,\n        0.75])"
    with pytest.raises(ValueError, match="profile must be one of default, short, full"):
        options(profile="long")


def test_a_class_that_derives_from_a_layer_shows_the_settings_of_the_layer():
    class Same(plain.Conv1d):
        def __init__(self, channels):
            super().__init__(channels, channels, 3, padding=1)

    assert repr(Same(2)) == "Same(2, 2, kernel_size=(3,), stride=(1,), padding=(1,))"


def test_any_array_prints_without_an_error():
    rng = np.random.default_rng(0)
    for shape in ((), (0,), (3,), (7, 0, 2), (30, 40), (2, 3, 4, 5), (1200, 1)):
        for scale in (1e-9, 1.0, 1e9):
            text = repr(torch.from_numpy(np.asarray(rng.normal(size=shape) * scale)))
            assert text.startswith("tensor(")
            assert text.endswith("dtype=torch.float64)")
            assert max(map(len, text.splitlines())) <= 80
