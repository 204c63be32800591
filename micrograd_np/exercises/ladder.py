"""The exercises in order of difficulty: what is computed, a hint, and a solution for each input."""

from collections.abc import Mapping
from typing import NamedTuple


class Step(NamedTuple):
    """One exercise."""

    formula: str
    hint: str
    solutions: Mapping[str, str]  # the body of the rule of each input: the last line is what it returns


_SPREAD = "g = g if keepdims or axis is None else mg.expand_dims(g, axis)\n"

LADDER: Mapping[str, Step] = {
    "square": Step("z = x²", "When x grows by d, x² grows by 2·x·d. What arrives is g.", {"x": "2 * g * x"}),
    "add": Step(
        "z = x + y", "A step of either input is the same step of z. The library undoes broadcasting by summing.",
        {"x": "g", "y": "g"},
    ),
    "multiply": Step("z = x · y", "While x moves, y is a constant factor.", {"x": "g * y", "y": "g * x"}),
    "divide": Step(
        "z = x / y", "x / y is x times 1/y, and 1/y has the derivative -1/y².", {"x": "g / y", "y": "-g * x / (y * y)"}
    ),
    "exp": Step("z = exp(x)", "The exponential is its own derivative, and z has it already.", {"x": "g * z"}),
    "log": Step("z = log(x)", "x = exp(z); differentiate both sides.", {"x": "g / x"}),
    "sigmoid": Step(
        "z = 1 / (1 + exp(-x))", "Write the derivative with z alone: one factor is z, the other what z lacks to 1.",
        {"x": "g * z * (1 - z)"},
    ),
    "tanh": Step("z = tanh(x)", "The slope is 1 at 0, and fades where z is near -1 or 1.", {"x": "g * (1 - z * z)"}),
    "relu": Step(
        "z = max(x, 0)", "Slope 1 where x is positive and 0 elsewhere; at 0 the library takes 0.", {"x": "g * (x > 0)"}
    ),
    "broadcast_to": Step(
        "z = x repeated to a larger shape", "An element of x went to several places: what comes back adds up.",
        {"x": "new = g.ndim - x.ndim\n"
              "axes = tuple(i for i in range(g.ndim) if i < new or x.shape[i - new] == 1)\n"
              "mg.reshape(mg.sum(g, axis=axes), x.shape)"},
    ),
    "sum": Step(
        "z = Σ x along axis", "Each element counts once: it gets the g of its own sum, in the shape of x.",
        {"x": f"{_SPREAD}mg.broadcast_to(g, x.shape)"},
    ),
    "mean": Step(
        "z = Σ x / n along axis", "As for sum; but each element counts only one n-th.",
        {"x": f"n = x.size / z.size\n{_SPREAD}mg.broadcast_to(g, x.shape) / n"},
    ),
    "matmul": Step(
        "z = x @ y", "Let the shapes lead you: g has the shape of z. Which product with y has the shape of x?",
        {"x": "g @ y.T", "y": "x.T @ g"},
    ),
    "max": Step(
        "z = largest x along axis", "Only the winner moves z. Where several are largest, they share g equally.",
        {"x": "peak = mg.max(x, axis=axis, keepdims=True)\n"
              "won = (x == peak).astype(x.dtype)\n"
              "won * mg.reshape(g, peak.shape) / mg.sum(won, axis=axis, keepdims=True)"},
    ),
    "softmax": Step(
        "z = exp(x) / Σ exp(x) along axis", "Each x moves every z of its row: its own up, the others down.",
        {"x": "z * (g - mg.sum(g * z, axis=axis, keepdims=True))"},
    ),
    "log_softmax": Step(
        "z = x - log Σ exp(x) along axis", "x itself gives g; the logarithm of the sum has the softmax as derivative.",
        {"x": "g - mg.exp(z) * mg.sum(g, axis=axis, keepdims=True)"},
    ),
    "softmax_cross_entropy": Step(
        "z = -log softmax(x)[label] for each row", "It is -log_softmax at the label: what remains is a difference.",
        {"x": "right = mg.expand_dims(labels, -1) == np.arange(x.shape[-1])\n"
              "(mg.softmax(x, axis=-1) - right) * mg.expand_dims(g, -1)"},
    ),
}  # fmt: skip
