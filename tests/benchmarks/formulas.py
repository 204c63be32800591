"""The losses in NumPy's language, for the libraries that speak it: JAX, autograd, MyGrad. ``np`` is their namespace."""

from __future__ import annotations

from typing import Any

from .networks import elementwise_loss
from .workloads import HEADS, Workload


def sigmoid(np: Any, z: Any) -> Any:
    """1 / (1 + e^-z)."""
    return 1 / (1 + np.exp(-z))


def cross_entropy(np: Any, logits: Any, labels: Any) -> Any:
    """Mean negative log-probability of the right class: ``(n, c), (n,) -> ()``."""
    shifted = logits - np.max(logits, axis=1, keepdims=True)
    right = shifted[np.arange(len(labels)), labels]
    return np.mean(np.log(np.sum(np.exp(shifted), axis=1))) - np.mean(right)


def mlp(np: Any, parameters: list[Any], x: Any) -> Any:
    """The output of the perceptron: ``(n, first) -> (n, last)``."""
    for w, b in zip(parameters[::2], parameters[1::2], strict=True):
        x = sigmoid(np, np.matmul(x, w.T) + b)
    return x


def lstm_cell(np: Any, gates: Any, c: Any, size: int) -> tuple[Any, Any]:
    """New output and memory from the four pre-activations: ``(n, 4 size), (n, size)``."""
    i, f = sigmoid(np, gates[:, :size]), sigmoid(np, gates[:, size : 2 * size])
    g, o = np.tanh(gates[:, 2 * size : 3 * size]), sigmoid(np, gates[:, 3 * size :])
    c = f * c + i * g
    return o * np.tanh(c), c


def lstm(np: Any, parameters: list[Any], x: Any) -> Any:
    """The logits after the last of the steps: ``(steps, n, features) -> (n, classes)``."""
    w_in, w_hid, b_in, b_hid, w_out, b_out = parameters
    size = w_hid.shape[1]
    h = c = np.zeros((x.shape[1], size), x.dtype)
    for t in range(len(x)):
        h, c = lstm_cell(np, np.matmul(x[t], w_in.T) + b_in + np.matmul(h, w_hid.T) + b_hid, c, size)
    return np.matmul(h, w_out.T) + b_out


def layer_norm(np: Any, x: Any, weight: Any, bias: Any) -> Any:
    """Mean 0 and variance 1 over the last axis, then scaled and shifted."""
    centred = x - np.mean(x, axis=-1, keepdims=True)
    return centred / np.sqrt(np.mean(centred * centred, axis=-1, keepdims=True) + 1e-5) * weight + bias


def transformer(np: Any, parameters: list[Any], x: Any) -> Any:
    """One encoder layer, norms after the additions: ``(n, length, width) -> (n, length, width)``."""
    w_qkv, b_qkv, w_o, b_o, w1, b1, w2, b2, n1, c1, n2, c2 = parameters
    n, length, width = x.shape
    qkv = np.reshape(np.matmul(x, w_qkv.T) + b_qkv, (n, length, 3, HEADS, width // HEADS))
    qkv = np.transpose(qkv, (2, 0, 3, 1, 4))  # (3, n, heads, length, per head)
    q, k, v = qkv[0], qkv[1], qkv[2]
    scores = np.matmul(q, np.swapaxes(k, 2, 3)) * (width // HEADS) ** -0.5
    e = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    mixed = np.matmul(e / np.sum(e, axis=-1, keepdims=True), v)
    mixed = np.reshape(np.transpose(mixed, (0, 2, 1, 3)), (n, length, width))
    a = layer_norm(np, x + np.matmul(mixed, w_o.T) + b_o, n1, c1)
    hidden = np.maximum(np.matmul(a, w1.T) + b1, 0)
    return layer_norm(np, a + np.matmul(hidden, w2.T) + b2, n2, c2)


OUTPUTS = {"mlp": mlp, "lstm": lstm, "transformer": transformer}


def loss(np: Any, workload: Workload, parameters: list[Any], x: Any, y: Any, output: Any = None) -> Any:
    """The scalar that the workload minimises. ``output`` replaces the network written here."""
    if workload.kind == "elementwise":
        return elementwise_loss(np, parameters[0], y)
    z = (output or OUTPUTS[workload.kind])(np, parameters, x)
    if workload.kind in ("lenet", "lstm"):
        return cross_entropy(np, z, y)
    difference = z - y
    return np.mean(difference * difference)
