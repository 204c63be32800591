"""Axes of length 0: what PyTorch gives, or words about them, and never a division by zero."""

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np import functional as F  # noqa: N812

NOTHING = {
    "values without features": ("scaled_dot_product_attention", [(3, 2), (3, 2), (3, 0)], {}, np.zeros((3, 0))),
    "queries without features": ("scaled_dot_product_attention", [(3, 0), (3, 0), (3, 2)], {}, np.ones((3, 2))),
    "attention without features": ("scaled_dot_product_attention", [(3, 0), (3, 0), (3, 0)], {}, np.zeros((3, 0))),
    "no queries": ("scaled_dot_product_attention", [(0, 2), (3, 2), (3, 2)], {}, np.zeros((0, 2))),
    "no keys": ("scaled_dot_product_attention", [(3, 2), (0, 2), (0, 2)], {}, np.zeros((3, 2))),
    "no sequences": ("scaled_dot_product_attention", [(0, 3, 2)] * 3, {"is_causal": True}, np.zeros((0, 3, 2))),
    "no heads": ("scaled_dot_product_attention", [(1, 0, 3, 2)] * 3, {"enable_gqa": True}, np.zeros((1, 0, 3, 2))),
    "no places": ("instance_norm", [(2, 4, 0)], {}, np.zeros((2, 4, 0))),
    "no samples": ("group_norm", [(0, 4, 3)], {"num_groups": 2}, np.zeros((0, 4, 3))),
    "no classes": ("cross_entropy", [(2, 0), (2, 0)], {"label_smoothing": 0.1, "reduction": "none"}, np.zeros(2)),
    "a distribution of one number": ("kl_div", [(), ()], {"reduction": "batchmean"}, np.array(-1.0)),
    "nothing to halve": ("glu", [(3, 0)], {}, np.zeros((3, 0))),
    "no vectors": ("pairwise_distance", [(0, 3), (0, 3)], {"p": 3.0}, np.zeros(0)),
    "vectors without components": ("normalize", [(3, 0)], {}, np.zeros((3, 0))),
}


@together
@pytest.mark.parametrize("name", NOTHING)
def test_axes_of_length_0_give_what_pytorch_gives(name):
    function, shapes, settings, expected = NOTHING[name]
    tensors = [mg.Tensor(np.ones(shape), requires_grad=True) for shape in shapes]
    found = getattr(F, function)(*tensors, **settings)
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found.data, expected)
    found.backward(np.ones(found.shape))
    for x in tensors:
        assert x.grad is None or np.isfinite(x.grad.data).all()


@together
@pytest.mark.parametrize("name", NOTHING)
def test_pytorch_gives_it(name):
    torch = pytest.importorskip("torch")
    function, shapes, settings, expected = NOTHING[name]
    found = getattr(torch.nn.functional, function)(*(torch.tensor(np.ones(shape)) for shape in shapes), **settings)
    np.testing.assert_array_equal(found.numpy(), expected, strict=True)


def test_what_is_of_no_size_is_refused_in_words():
    with pytest.raises(ValueError, match=r"conv2d: weight is \(3, 2, 0, 2\); .* a kernel of some size"):
        F.conv2d(np.ones((1, 2, 4, 4)), np.ones((3, 2, 0, 2)))
    with pytest.raises(ValueError, match="celu: alpha must not be 0"):
        F.celu(np.ones(2), 0)
    with pytest.raises(ValueError, match="2 heads of queries must divide into the 0 of keys"):
        F.scaled_dot_product_attention(np.ones((2, 3, 2)), *[np.ones((0, 3, 2))] * 2, enable_gqa=True)
