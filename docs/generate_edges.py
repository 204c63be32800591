"""Write `docs/edges.md`, what every op gives at its edges, by running it there: `python docs/generate_edges.py`.

Where PyTorch and JAX are installed, they are asked too, and their answers kept in `edges.json`, so that the page can be
written, and tested, without them.
"""

import contextlib
import json
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import micrograd_np as mg

HERE = Path(__file__).parent
PAGE, ANSWERS = HERE / "edges.md", HERE / "edges.json"
INF, NAN = float("inf"), float("nan")

HEAD = """\
# At the edges

What every op gives at 0, at ±∞ and nan, at ties and kinks, at the ends of its domain and on empty axes: value,
derivative and second derivative, found by running it. This page is written by `python docs/generate_edges.py`, and a
test fails when it is stale. A reduction's derivative is that of its result by each element; `2nd` is the derivative of
the sum of the derivatives. PyTorch and JAX stand in the last columns where their value or derivative is another.

The policy:

- **No nan where there is a subgradient.** At a kink one of the slopes between the two sides is chosen: 0 for `abs`,
  `relu`, `norm`, `std`, and for `hypot` and `arctan2` at the origin; 1 at the bounds of `clip`.
- **Ties share equally**: `maximum`, `minimum`, `max`, `min`, `logaddexp`.
- **Where nothing arrives, nothing leaves.** An infinite slope times a gradient of 0 is 0, so `where(x > 0, sqrt(x), 0)`
  has the derivative 0 at 0. Masks hold back inf and nan: `sqrt(maximum(x, 0))` has the derivative 0 for negative x.
- **An infinite slope is infinite**: `sqrt` at 0, `log` at 0, `arcsin` at 1.
- **What is written over gets nothing**: after `y[[0, 0]] = v` only the value that stands has a gradient, as in JAX and
  by finite differences; PyTorch gives one to both.
- **A number has an axis 0 and −1 to reduce along**, as in PyTorch, and the norm of nothing is 0.
- **Integers and booleans become floating numbers** where values lie between them: in activations of the dtype of their
  exponential; in losses, norms, means and linear interpolation of the default dtype. PyTorch refuses them.
- **Half precision is computed in single and rounded once** where squares, powers or sums on the way would overflow.
- **A singular matrix has the gradient of its determinant**, the cofactors; PyTorch gives 0.
- **nan stays nan**, and so does what no limit decides: ∞ · 0 where both are the user's own.
"""


@dataclass(frozen=True)
class Case:
    """An expression in x (and y), where to look, and how PyTorch and JAX spell it."""

    title: str
    ours: str
    torch: str | None
    jax: str | None
    points: tuple


def unary(names, points, torch="torch.{}(x)", jax="jnp.{}(x)"):
    """One case for each function of one number."""
    for name in names.split():
        ours, _, other = name.partition(":")
        other = other or ours
        yield Case(ours, f"mg.{ours}(x)", torch.format(other), jax.format(other), points)


def activation(names, points):
    """One case for each activation function: PyTorch's and JAX's names differ from ours only where told."""
    for name in names.split():
        ours, _, other = name.partition(":")
        jax = None if other == "-" else f"jax.nn.{other or ours}(x)"
        yield Case(ours, f"F.{ours}(x)", f"torch.nn.functional.{ours}(x)", jax, points)


ENDS = (-INF, 0.0, INF, NAN)
TAILS = (-INF, -1e4, -1000.0, 0.0, 1000.0, 1e4, INF, NAN)
AROUND = (-INF, -1.0, 0.0, INF, NAN)
UNIT = (-1.0, 0.0, 1.0, 1.5, NAN)

CASES = [
    *unary("exp expm1 exp2", (-INF, -1000.0, 0.0, 1000.0, INF, NAN)),
    *unary("log log2 log10 sqrt", AROUND),
    *unary("log1p", (-2.0, -1.0, 0.0, INF, NAN)),
    Case("cbrt", "mg.cbrt(x)", None, "jnp.cbrt(x)", ENDS),
    *unary("square reciprocal abs sign floor ceil round trunc", ENDS),
    *unary("sin cos tan arctan sinh cosh tanh arcsinh", ENDS),
    *unary("erf", ENDS, jax="jax.scipy.special.{}(x)"),
    *unary("arcsin arccos arctanh", UNIT),
    *unary("arccosh", (0.0, 1.0, INF, NAN)),
    *activation("relu elu selu celu", ENDS),
    *activation("sigmoid softplus logsigmoid:log_sigmoid silu gelu mish", TAILS),
    *activation("leaky_relu softsign:soft_sign", ENDS),
    *activation("hardtanh:hard_tanh", (-INF, -1.0, 1.0, INF, NAN)),
    *activation("relu6", (-INF, 0.0, 6.0, INF, NAN)),
    *activation("hardsigmoid:hard_sigmoid hardswish:hard_swish", (-INF, -3.0, 3.0, INF, NAN)),
    Case("clip(x, 0, 1)", "mg.clip(x, 0, 1)", "torch.clip(x, 0, 1)", "jnp.clip(x, 0, 1)", (-INF, 0.0, 1.0, INF, NAN)),
    Case("x ** 0", "x ** 0", "x ** 0", "x ** 0", (-1.0, 0.0, INF)),
    Case("x ** 1", "x ** 1", "x ** 1", "x ** 1", (0.0,)),
    Case("x ** 0.5", "x ** 0.5", "x ** 0.5", "x ** 0.5", (0.0,)),
    Case("x ** 2", "x ** 2", "x ** 2", "x ** 2", (0.0,)),
    Case("x ** -1", "x ** -1", "x ** -1.0", "x ** -1.0", (0.0,)),
    Case("2 ** x", "2 ** x", "2 ** x", "2 ** x", (-INF, 0.0, INF)),
    Case("0 ** x", "0.0 ** x", "0.0 ** x", "0.0 ** x", (0.0, 1.0)),
    Case("x / x", "x / x", "x / x", "x / x", (0.0,)),
    Case(
        "where(x > 0, sqrt(x), 0)",
        "mg.where(x > 0, mg.sqrt(x), 0.0)",
        "torch.where(x > 0, torch.sqrt(x), 0.0)",
        "jnp.where(x > 0, jnp.sqrt(x), 0.0)",
        (-1.0, 0.0),
    ),
    Case(
        "where(x > 0, log(x), 0)",
        "mg.where(x > 0, mg.log(x), 0.0)",
        "torch.where(x > 0, torch.log(x), 0.0)",
        "jnp.where(x > 0, jnp.log(x), 0.0)",
        (-1.0, 0.0),
    ),
    Case(
        "where(x != 0, 1 / x, 0)",
        "mg.where(x != 0, 1 / x, 0.0)",
        "torch.where(x != 0, 1 / x, 0.0)",
        "jnp.where(x != 0, 1 / x, 0.0)",
        (0.0,),
    ),
    Case(
        "where(x < 1, arcsin(x), 0)",
        "mg.where(x < 1, mg.arcsin(x), 0.0)",
        "torch.where(x < 1, torch.arcsin(x), 0.0)",
        "jnp.where(x < 1, jnp.arcsin(x), 0.0)",
        (1.0, 2.0),
    ),
    Case(
        "sqrt(maximum(x, 0))",
        "mg.sqrt(mg.maximum(x, 0.0))",
        "torch.sqrt(torch.maximum(x, 0 * x.detach()))",
        "jnp.sqrt(jnp.maximum(x, 0.0))",
        (-1.0, 0.0),
    ),
    Case("sqrt(relu(x))", "mg.sqrt(mg.relu(x))", "torch.sqrt(torch.relu(x))", "jnp.sqrt(jax.nn.relu(x))", (-1.0, 0.0)),
    Case(
        "sqrt(clip(x, 0, 1))",
        "mg.sqrt(mg.clip(x, 0, 1))",
        "torch.sqrt(torch.clip(x, 0, 1))",
        "jnp.sqrt(jnp.clip(x, 0, 1))",
        (-1.0,),
    ),
    *(
        Case(
            f"{name}(x, y)",
            f"mg.{name}(x, y)",
            f"torch.{name}(x, y)",
            f"jnp.{name}(x, y)",
            ((1.0, 1.0), (1.0, NAN), (INF, INF), (-INF, -INF)),
        )
        for name in ("maximum", "minimum", "logaddexp")
    ),
    *(
        Case(
            f"{name}(x, y)",
            f"mg.{name}(x, y)",
            f"torch.{name}(x, y)",
            f"jnp.{name}(x, y)",
            ((0.0, 0.0), (0.0, -1.0), (1e200, 1e200)),
        )
        for name in ("hypot", "arctan2")
    ),
    Case("x / y", "x / y", "x / y", "x / y", ((0.0, 0.0), (1.0, 0.0), (1.0, INF))),
    Case("x ** y", "x ** y", "x ** y", "x ** y", ((0.0, 0.0), (0.0, 1.0), (0.0, 2.0), (-2.0, 2.0))),
    Case(
        "xlogy(x, y)",
        "mg.xlogy(x, y)",
        "torch.xlogy(x, y)",
        "jax.scipy.special.xlogy(x, y)",
        ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (0.0, NAN)),
    ),
    Case(
        "norm",
        "mg.norm(x)",
        "torch.linalg.vector_norm(x)",
        "jnp.linalg.norm(x)",
        ([0.0, 0.0], [1e200, 0.0], [1e-200, 1e-200], [INF, 1.0]),
    ),
    Case("std", "mg.std(x)", "torch.std(x, correction=0)", "jnp.std(x)", ([1.0, 1.0], [0.0], [1e200, 1e200])),
    Case("var", "mg.var(x)", "torch.var(x, correction=0)", "jnp.var(x)", ([1.0, 1.0], [])),
    Case("sum", "mg.sum(x)", "torch.sum(x)", "jnp.sum(x)", ([], [INF, -INF])),
    Case("mean", "mg.mean(x)", "torch.mean(x)", "jnp.mean(x)", ([], [INF, 1.0])),
    Case(
        "prod", "mg.prod(x)", "torch.prod(x)", "jnp.prod(x)", ([], [0.0, 2.0, 3.0], [0.0, 0.0, 3.0], [1e-200, 1e-200])
    ),
    Case("cumprod", "mg.cumprod(x)", "torch.cumprod(x, 0)", "jnp.cumprod(x)", ([], [0.0, 2.0, 3.0], [2.0, 0.0, 0.0])),
    Case("cumsum", "mg.cumsum(x)", "torch.cumsum(x, 0)", "jnp.cumsum(x)", ([],)),
    Case("max", "mg.max(x)", "torch.amax(x)", "jnp.max(x)", ([1.0, 1.0, 0.0], [1.0, NAN], [-INF, -INF])),
    Case("min", "mg.min(x)", "torch.amin(x)", "jnp.min(x)", ([1.0, 0.0, 0.0], [1.0, NAN])),
    Case(
        "logsumexp",
        "mg.logsumexp(x)",
        "torch.logsumexp(x, 0)",
        "jax.scipy.special.logsumexp(x)",
        ([], [0.0, -INF], [-INF, -INF], [1000.0, 1000.0], [0.0, INF]),
    ),
    Case(
        "softmax",
        "mg.softmax(x)",
        "torch.softmax(x, 0)",
        "jax.nn.softmax(x)",
        ([], [0.0, -INF], [-INF, -INF], [1000.0, 1000.0], [0.0, INF]),
    ),
    Case(
        "log_softmax",
        "mg.log_softmax(x)",
        "torch.log_softmax(x, 0)",
        "jax.nn.log_softmax(x)",
        ([0.0, -INF], [-INF, -INF], [1000.0, 0.0]),
    ),
]


def arguments(point):
    """A point as the arrays x and y: a number, a pair of numbers, or the list of an array's elements."""
    return [np.array(v, dtype=float) for v in (point if isinstance(point, tuple) else (point,))]


def ask_ours(case, point):
    """Value, derivative and second derivative, as nested lists."""
    xs = [mg.Tensor(a, requires_grad=True) for a in arguments(point)]
    scope = {"mg": mg, "F": mg.functional, **dict(zip("xy", xs, strict=False))}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "the mean of nothing" is what is asked here
        z = eval(case.ours, scope)  # noqa: S307  the expressions stand above
        total = z.sum()
        total.backward(create_graph=True)
        first = [np.zeros(x.shape) if x.grad is None else x.grad.data.copy() for x in xs]
        grads = [x.grad for x in xs if x.grad is not None and x.grad.requires_grad]
        for x in xs:
            x.grad = None
        if grads:
            mg.sum(grads[0] if len(grads) == 1 else grads[0] + grads[1]).backward()
        second = [np.zeros(x.shape) if x.grad is None else x.grad.data for x in xs]
    return [np.asarray(v).tolist() for v in (z.data, first, second)]


def ask_torch(case, point):
    """PyTorch's value and derivative, or None where it has no such function."""
    import torch

    xs = [torch.tensor(a, requires_grad=True) for a in arguments(point)]
    try:
        z = eval(case.torch, {"torch": torch, **dict(zip("xy", xs, strict=False))})  # noqa: S307
        z.sum().backward()
    except (RuntimeError, IndexError, AttributeError):
        return None
    return [z.tolist(), [(torch.zeros_like(x) if x.grad is None else x.grad).tolist() for x in xs]]


def ask_jax(case, point):
    """JAX's value and derivative, or None where it has no such function."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    xs = [jnp.array(a) for a in arguments(point)]

    def f(*xs):
        return eval(case.jax, {"jax": jax, "jnp": jnp, **dict(zip("xy", xs, strict=False))})  # noqa: S307

    try:
        z = f(*xs)
        first = jax.grad(lambda *xs: f(*xs).sum(), argnums=tuple(range(len(xs))))(*xs)
    except (ValueError, TypeError, AttributeError):
        return None
    return [np.asarray(z).tolist(), [np.asarray(g).tolist() for g in first]]


def ask_peers():
    """The answers of those peers that are installed, by peer, case and point; those of others as they were stored."""
    stored = json.loads(ANSWERS.read_text(encoding="utf-8")) if ANSWERS.exists() else {}
    for peer, ask in (("torch", ask_torch), ("jax", ask_jax)):
        with contextlib.suppress(ImportError):
            module = __import__(peer)
            found = {c.title: {str(p): ask(c, p) for p in c.points} for c in CASES if getattr(c, peer)}
            stored[peer] = {"version": module.__version__.partition("+")[0], "answers": found}
    return stored


def told(v):
    """A number, or a list of them, in few characters."""
    if isinstance(v, list):
        return "[" + ", ".join(map(told, v)) + "]"
    if isinstance(v, bool):
        return str(v)
    return "nan" if v != v else f"{v + 0.0:.5g}".replace("inf", "∞").replace("-", "−")  # noqa: PLR0124


def several(vs):
    """The derivatives by x and y."""
    return ", ".join(map(told, vs))


def same(a, b):
    """Whether two answers are equal but for rounding."""
    a, b = (np.asarray(v, dtype=float) for v in (a, b))
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-6, atol=1e-12, equal_nan=True)


def differs(ours, theirs):
    """What to write into a peer's column."""
    if theirs is None:
        return "–"
    value, first = theirs
    parts = []
    if not same(ours[0], value):
        parts.append(told(value))
    if not all(same(a, b) for a, b in zip(ours[1], first, strict=True)):
        parts.append(f"derivative {several(first)}")
    return "; ".join(parts)


def page(answers):
    """The whole text of the page."""
    versions = {peer: f"{name} {answers[peer]['version']}" for peer, name in (("torch", "PyTorch"), ("jax", "JAX"))}
    lines = [
        HEAD,
        f"| op | at | value | derivative | 2nd | {versions['torch']} | {versions['jax']} |",
        "|---|---|---|---|---|---|---|",
    ]
    for case in CASES:
        for i, point in enumerate(case.points):
            ours = ask_ours(case, point)
            others = [answers[p]["answers"].get(case.title, {}).get(str(point)) for p in ("torch", "jax")]
            at = several(point) if isinstance(point, tuple) else told(point)
            cells = ["" if i else case.title, at, told(ours[0]), several(ours[1]), several(ours[2])]
            lines.append("| " + " | ".join([*cells, *(differs(ours, o) for o in others)]) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    found = ask_peers()
    ANSWERS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(found), encoding="utf-8")
