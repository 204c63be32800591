"""docs/ops.md is what the declarations say, and a rule prints its formula."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np.check.description import derivatives
from micrograd_np.engine.symbol import Symbol, formula
from micrograd_np.ops.linear import matmul

DOCS = Path(__file__).parents[1] / "docs"


def test_the_op_table_is_fresh():
    spec = importlib.util.spec_from_file_location("generate_ops", DOCS / "generate_ops.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.page() == module.PAGE.read_text(encoding="utf-8"), "run: python docs/generate_ops.py"


@pytest.mark.parametrize(
    ("op", "wrt", "expected"),
    [
        (mg.multiply, "x", "g · y"),
        (mg.sigmoid, "x", "g · (z − z · z)"),
        (mg.square, "x", "2 · g · x"),
        (mg.subtract, "y", "−g"),
        (mg.log, "x", "g ÷ x"),
        (mg.cos, "x", "−g · sin x"),
        (mg.relu, "x", "g · [z > 0]"),
        (mg.power, "x", "g × (y · x ^ (y − 1))"),
    ],
)
def test_a_rule_prints_its_formula(op, wrt, expected):
    assert formula(op, wrt) == expected


def test_a_formula_that_depends_on_settings_names_those_of_its_example():
    assert derivatives(mg.functional.hardtanh) == {"x": "g · [x > 0 ∧ (x < 6)] for min_val=0.0, max_val=6.0"}
    assert derivatives(mg.square) == {"x": "2 · g · x"}


def test_the_formula_of_a_matrix_product_transposes_the_other():
    x, y = np.ones((2, 3)), np.ones((3, 4))
    assert formula(matmul, "x", x, y) == "g @ yᵀ"
    assert formula(matmul, "y", x, y) == "xᵀ @ g"


def test_brackets_stand_only_where_they_are_needed():
    x, y = Symbol("x", 2.0), Symbol("y", 3.0)
    assert str(x - (x - y)) == "x − (x − y)"
    assert str(x - x - y) == "x − x − y"
    assert str((x + y) * x) == "(x + y) · x"
    assert str(x / (x * y)) == "x / (x · y)"
    assert str(mg.exp(x * y) + mg.exp(x)) == "exp (x · y) + exp x"
    assert str(mg.square(-x)) == "(−x)²"


def test_a_symbol_computes_its_example_along():
    x = Symbol("x", np.array([1.0, 2.0]))
    z = mg.exp(x) * 2 + 1
    assert str(z) == "exp x · 2 + 1"
    np.testing.assert_array_equal(z.value, np.exp([1.0, 2.0]) * 2 + 1)
    assert (z.shape, z.ndim, z.size) == ((2,), 1, 2)


def test_there_is_no_formula_by_what_has_no_derivative():
    with pytest.raises(TypeError, match="no derivative by 'condition'"):
        formula(mg.where, "condition")
