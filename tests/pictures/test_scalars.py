"""Claims about graphs drawn number by number."""

import numpy as np
import pytest

import micrograd_np as mg


def test_a_product_of_matrices_is_the_weighted_sums_that_it_is():
    x, w = mg.Tensor([1.0, 2.0], name="x"), mg.Tensor([[3.0, 4.0], [5.0, 6.0]], requires_grad=True, name="W")
    picture = mg.draw((x @ w).sum(), scalars=True)
    texts = {node.id: node.text for node in picture.drawing.nodes}
    terms = {text.split(" = ")[1] for text in texts.values() if "·" in text}
    assert terms == {"x[0] · W[0, 0]\n3", "x[1] · W[1, 0]\n10", "x[0] · W[0, 1]\n4", "x[1] · W[1, 1]\n12"}
    assert [text.split(" = ")[1] for text in texts.values() if "Σ" in text] == ["Σ\n13", "Σ\n16", "Σ\n29"]


def test_elementwise_ops_are_formulas_of_elements_and_views_are_not_drawn():
    x = mg.Tensor([[1.0, 2.0]], requires_grad=True, name="x")
    picture = mg.draw((x.T.reshape(2) * 2).sum(), scalars=True)
    texts = [node.text for node in picture.drawing.nodes]
    assert texts == ["x[0, 0]\n1", "x[0, 1]\n2", "z₁ = x[0, 0] · 2\n2", "z₂ = x[0, 1] · 2\n4", "z₃ = Σ\n6"]


def test_above_the_limit_the_number_of_elements_is_told():
    with pytest.raises(ValueError, match=r"at most 64; this graph has 200"):
        mg.draw(mg.Tensor(np.ones(100), requires_grad=True) * 2, scalars=True)
