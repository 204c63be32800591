"""At a kink, a gradient lies between the derivatives of the two sides, and is the derivative where it is smooth.

Each element is moved to either side alone; the judge is the difference of values, which knows no rule.
"""

import numpy as np
import pytest
from together import together

import micrograd_np as mg

F = mg.functional
STEP = 1e-6
PLACES = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 3.0, -3.0, 6.0, 20.0])
FEW = PLACES[:6]
SIGNS = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
ELEMENTWISE = [
    *("celu", "elu", "gelu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "logsigmoid", "mish"),
    *("relu", "relu6", "rrelu", "selu", "sigmoid", "silu", "softplus", "softshrink", "softsign", "tanh", "tanhshrink"),
]


def rrelu_in_training(x):
    """The same slopes at each call."""
    mg.manual_seed(3)
    return F.rrelu(x, training=True)


CASES = {
    **{name: (getattr(F, name), PLACES) for name in ELEMENTWISE},
    "prelu": (lambda x: F.prelu(x, mg.Tensor([0.25])), PLACES),
    "prelu with a slope above 1": (lambda x: F.prelu(x, mg.Tensor([1.75])), PLACES),
    "rrelu in training": (rrelu_in_training, PLACES),
    "threshold": (lambda x: F.threshold(x, 1.0, 1.0), PLACES),
    "clip": (lambda x: mg.clip(x, 0.0, 1.0), PLACES),
    "maximum": (lambda x: mg.maximum(x, np.zeros(10)), PLACES),
    "minimum": (lambda x: mg.minimum(x, np.ones(10)), PLACES),
    "absolute": (abs, PLACES),
    "max_pool1d": (lambda x: F.max_pool1d(x[None, None], 2), [2.0, 2.0, 1.0, 1.0]),
    "lp_pool1d, p = 1": (lambda x: F.lp_pool1d(x[None, None], 1, 2), [0.0, 0.0, 1.0, -1.0]),
    "lp_pool1d, p = 2": (lambda x: F.lp_pool1d(x[None, None], 2, 2), [0.0, 0.0, 1.0, -1.0]),
    "l1_loss": (lambda x: F.l1_loss(x, np.zeros(6)), FEW),
    "smooth_l1_loss": (lambda x: F.smooth_l1_loss(x, np.zeros(6), beta=0.5), FEW),
    "smooth_l1_loss, beta = 0": (lambda x: F.smooth_l1_loss(x, np.zeros(6), beta=0.0), FEW),
    "huber_loss": (lambda x: F.huber_loss(x, np.zeros(6), delta=0.5), FEW),
    "hinge_embedding_loss": (lambda x: F.hinge_embedding_loss(x, SIGNS), FEW),
    "margin_ranking_loss": (lambda x: F.margin_ranking_loss(x, np.zeros(6), SIGNS, margin=0.5), FEW),
    "multi_margin_loss": (lambda x: F.multi_margin_loss(x[None], [0]), [1.0, 0.0, 0.0, -1.0]),
    "multilabel_margin_loss": (lambda x: F.multilabel_margin_loss(x[None], [[0, -1, 1, 2]]), [1.0, 0.0, 0.0, -1.0]),
    "pairwise_distance": (lambda x: F.pairwise_distance(x[None], np.array([[1.0, 0.0]]), p=1), [1.0, 0.0]),
    **{f"norm {p}": (lambda x, p=p: mg.linalg.norm(x, p), [1.0, -1.0, 0.0]) for p in (1, 2, 3, np.inf, -np.inf)},
    "norm at 0": (mg.linalg.norm, [0.0, 0.0]),
    "max": (mg.max, [1.0, 1.0, 0.0]),
    "median": (mg.median, [1.0, 1.0, 0.0, 2.0]),
}


@together
@pytest.mark.parametrize("name", CASES)
def test_a_gradient_at_a_kink_lies_between_the_derivatives_of_its_sides(name):
    function, at = CASES[name]
    at = np.array(at)
    x = mg.Tensor(at, requires_grad=True)
    function(x).sum().backward()

    def value(i, step):
        moved = at.copy()
        moved[i] += step
        return function(mg.Tensor(moved)).sum().item()

    for i, gradient in enumerate(x.grad):
        sides = (value(i, 0) - value(i, -STEP)) / STEP, (value(i, STEP) - value(i, 0)) / STEP
        assert min(sides) - 1e-4 <= gradient <= max(sides) + 1e-4, f"{name} at {at[i]}: {sides}"


def test_the_gradient_of_prelu_at_zero_is_its_slope():
    x, slope = mg.Tensor([0.0, -2.0, np.inf], requires_grad=True), mg.Tensor([0.25], requires_grad=True)
    F.prelu(x, slope).sum().backward()
    assert np.array(x.grad).tolist() == [0.25, 0.25, 1.0]
    assert np.array(slope.grad).tolist() == [-2.0]
