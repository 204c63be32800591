"""JAX: the whole step under one ``jax.jit``, parameters donated so that XLA may update them in place."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from .. import formulas
from ..data import batch, parameters
from ..workloads import ADAM, Workload


def lenet(np: Any, weights: list[Any], x: Any) -> Any:
    """Convolutions and pooling by XLA's own operations."""
    for w, b in (weights[:2], weights[2:4]):
        x = jax.nn.relu(jax.lax.conv(x, w, (1, 1), "VALID") + b[:, None, None])
        x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    x = x.reshape(len(x), -1)
    for w, b in (weights[4:6], weights[6:8]):
        x = jax.nn.relu(x @ w.T + b)
    return x @ weights[8].T + weights[9]


def lstm(np: Any, weights: list[Any], x: Any) -> Any:
    """``lax.scan`` over the steps; the products with the inputs are made at once."""
    w_in, w_hid, b_in, b_hid, w_out, b_out = weights
    start = jnp.zeros((x.shape[1], w_hid.shape[1]), x.dtype)

    def advance(state: Any, gates: Any) -> Any:
        h, c = formulas.lstm_cell(jnp, gates + state[0] @ w_hid.T, state[1], w_hid.shape[1])
        return (h, c), None

    (h, _), _ = jax.lax.scan(advance, (start, start), x @ w_in.T + (b_in + b_hid))
    return h @ w_out.T + b_out


OUTPUTS = {**formulas.OUTPUTS, "lenet": lenet, "lstm": lstm}


def build(workload: Workload) -> Callable[[], Any]:
    """The jitted step, or the jitted forward pass."""
    jax.config.update("jax_enable_x64", workload.dtype == "float64")  # False by default: it would round to float32
    x, y = map(jnp.asarray, batch(workload))
    weights = [jnp.asarray(array) for array in parameters(workload).values()]
    output = OUTPUTS.get(workload.kind)
    if workload.inference:
        predict = jax.jit(partial(output, jnp))
        return lambda: predict(weights, x)

    def loss(weights: list[Any], x: Any, y: Any) -> Any:
        return formulas.loss(jnp, workload, weights, x, y, output)

    @partial(jax.jit, donate_argnums=0)
    def advance(state: Any, x: Any, y: Any) -> Any:
        value, gradients = jax.value_and_grad(loss)(state[0], x, y)
        return (_adam if workload.optimizer == "adam" else partial(_sgd, workload.lr))(state, gradients), value

    state = (weights,)
    if workload.optimizer == "adam":
        state = (weights, *([jnp.zeros_like(w) for w in weights] for _ in range(2)), jnp.zeros((), workload.dtype))

    def step() -> Any:
        nonlocal state
        state, value = advance(state, x, y)
        return value

    return step


def _sgd(lr: float, state: Any, gradients: Any) -> Any:
    return (jax.tree.map(lambda p, g: p - lr * g, state[0], gradients),)


def _adam(state: Any, gradients: Any) -> Any:
    (weights, first, second, t), (beta1, beta2) = state, ADAM["betas"]
    t = t + 1
    first = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, first, gradients)
    second = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, second, gradients)
    size, root = ADAM["lr"] / (1 - beta1**t), jnp.sqrt(1 - beta2**t)
    move = lambda p, m, v: p - size * m / (jnp.sqrt(v) / root + ADAM["eps"])
    return jax.tree.map(move, weights, first, second), first, second, t


def finish(value: Any) -> Any:
    """Waits for the device: JAX answers before it has computed."""
    return jax.block_until_ready(value)
