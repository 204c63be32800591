"""Recurrent layers, RNN, LSTM and GRU, and their cells: PyTorch's gates, orders, names and shapes.

Sequences are (t, n, features) unless `batch_first`; one sequence without n gives results without n. All steps of a
layer are one primitive; see `micrograd_np.ops.fused.recurrent_sweep`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from micrograd_np import functional, random
from micrograd_np.core.messages import require_value
from micrograd_np.core.settings import Count, Share, Size
from micrograd_np.core.views import called_as
from micrograd_np.engine.constant import constant
from micrograd_np.engine.tensor import get_default_dtype
from micrograd_np.functional.linear import linear
from micrograd_np.functional.loss import as_tensor
from micrograd_np.ops.fused.gru import gru, gru_memory
from micrograd_np.ops.fused.lstm import lstm, lstm_memory
from micrograd_np.ops.fused.rnn import rnn
from micrograd_np.ops.index import scatter_slice, view
from micrograd_np.ops.linear import matmul
from micrograd_np.ops.shape import concatenate, stack, transpose

from .module import Module
from .parameter import Parameter

_WEIGHTS = "weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"
_DEFAULTS = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False}


def _drawn(hidden_size: int, shape: tuple[int, ...], dtype: Any, order: Any = "C") -> Parameter:
    bound = 1 / sqrt(hidden_size)
    dtype = get_default_dtype() if dtype is None else dtype
    return Parameter(random.generator().uniform(-bound, bound, shape).astype(dtype, order=order))


def _zeros(*shape: int, like: Any) -> Any:
    return constant(np.zeros(shape, like.dtype))


def _rnn(x: Any, states: Any, weights: Any, nonlinearity: str) -> tuple[Any, tuple[Any, ...]]:
    w_ih, w_hh, b_ih, b_hh, _ = weights
    z = rnn(linear(x, w_ih, b_ih if b_hh is None else b_ih + b_hh), states[0], w_hh, nonlinearity=nonlinearity)
    return z, (z[-1],)


def _lstm(x: Any, states: Any, weights: Any, _: str) -> tuple[Any, tuple[Any, ...]]:
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    bias = _zeros(w_hh.shape[0], like=w_hh) if b_ih is None else b_ih + b_hh
    h, c = states
    outputs = []
    for t in range(x.shape[0]):  # with a projection, which stands between the steps, each is a recurrence of its own
        inputs = x if w_hr is None else x[t : t + 1], h, c, w_ih, w_hh, bias
        z = lstm(*inputs, lstm_memory(*inputs))
        z, c = z[:-1], z[-1]
        if w_hr is None:
            return z, (z[-1], c)
        h = matmul(z[0], transpose(w_hr))
        outputs.append(h)
    return stack(outputs), (h, c)


def _gru(x: Any, states: Any, weights: Any, _: str) -> tuple[Any, tuple[Any, ...]]:
    w_ih, w_hh, b_ih, b_hh, _ = weights
    k = w_hh.shape[1]
    if b_ih is None:
        bias, bias_hn = _zeros(3 * k, like=w_hh), _zeros(k, like=w_hh)
    else:  # of the second bias, the part for n stays inside the product with r
        bias = b_ih + scatter_slice(view(b_hh, index=slice(0, 2 * k)), index=slice(0, 2 * k), shape=(3 * k,))
        bias_hn = view(b_hh, index=slice(2 * k, 3 * k))
    inputs = x, states[0], w_ih, w_hh, bias, bias_hn
    z = gru(*inputs, gru_memory(*inputs))
    return z, (z[-1],)


class _Kind(NamedTuple):
    gates: int
    states: int  # h; of an LSTM also the cell state c
    run: Callable[..., tuple[Any, tuple[Any, ...]]]


_KINDS = {"RNN": _Kind(1, 1, _rnn), "LSTM": _Kind(4, 2, _lstm), "GRU": _Kind(3, 1, _gru)}


class _Recurrent(Module):
    _name: str  # of the kind
    nonlinearity = "tanh"

    def _states(self, hx: Any, samples: int | None) -> tuple[Any, ...] | None:
        """The initial states as a tuple; each gets an axis for n if there is one sample, on the axis `samples`."""
        if hx is None:
            return None
        states = tuple(hx) if _KINDS[self._name].states > 1 else (hx,)
        if samples is None:
            return tuple(as_tensor(s) for s in states)
        return tuple(as_tensor(s)[(slice(None),) * samples + (None,)] for s in states)

    def _unpack(self, finals: tuple[Any, ...]) -> Any:
        return finals if len(finals) > 1 else finals[0]


class _Layer(_Recurrent):
    proj_size: int = 0
    weight_hh_l0: Parameter

    def __init__(
        self,
        input_size: Size,
        hidden_size: Count,
        num_layers: Count = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: Share = 0.0,
        bidirectional: bool = False,
        dtype: Any = None,
    ) -> None:
        self.input_size, self.hidden_size, self.num_layers, self.bias = input_size, hidden_size, num_layers, bias
        self.batch_first, self.dropout, self.bidirectional = batch_first, dropout, bidirectional
        rows, state = _KINDS[self._name].gates * hidden_size, self.proj_size or hidden_size
        for layer in range(num_layers):
            features = input_size if layer == 0 else state * (1 + bidirectional)
            shapes = [(rows, features), (rows, state), *[(rows,), (rows,)] * bias]
            names = [*_WEIGHTS[: len(shapes)], *["weight_hr"] * bool(self.proj_size)]
            shapes += [(self.proj_size, hidden_size)] * bool(self.proj_size)
            for end in self._ends(layer):
                for name, shape in zip(names, shapes, strict=True):
                    order = "F" if name == "weight_ih" else "C"  # as in `Linear`
                    setattr(self, f"{name}{end}", _drawn(hidden_size, shape, dtype, order))

    def _ends(self, layer: int) -> list[str]:
        """What the names of a layer's parameters end in, for each direction."""
        return [f"_l{layer}", f"_l{layer}_reverse"][: 1 + self.bidirectional]

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Outputs of every step, and the final state of every layer; of an LSTM the final h and c."""
        x, kind = as_tensor(input), _KINDS[self._name]
        single = x.ndim == 2
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            layout = "(n, t, features)" if self.batch_first else "(t, n, features)"
            message = (
                f"{self._name}: input is {x.shape}; it must be {layout} or (t, features), "
                f"with {self.input_size} features."
            )
            raise ValueError(message)
        if single:
            x = x[:, None]
        elif self.batch_first:
            x = called_as(x, transpose(x, axes=(1, 0, 2)))
        if not x.shape[0]:
            message = f"{self._name}: the sequence has no steps; input is {x.shape}, time first."
            raise ValueError(message)
        starts = self._starts(hx, x.shape[1], 1 if single else None)
        finals = []
        for layer in range(self.num_layers):
            if layer and self.dropout:
                x = functional.dropout(x, self.dropout, self.training)
            directions = []
            for reverse, end in enumerate(self._ends(layer)):
                weights = [getattr(self, f"{name}{end}", None) for name in _WEIGHTS]
                z, final = kind.run(x[::-1] if reverse else x, next(starts), weights, self.nonlinearity)
                directions.append(z[::-1] if reverse else z)
                finals.append(final)
            x = directions[0] if len(directions) == 1 else concatenate(*directions, axis=-1)
        ends = tuple(stack(states) for states in zip(*finals, strict=True))
        if single:
            return x[:, 0], self._unpack(tuple(end[:, 0] for end in ends))
        return transpose(x, axes=(1, 0, 2)) if self.batch_first else x, self._unpack(ends)

    def _starts(self, hx: Any, n: int, samples: int | None) -> Any:
        """The initial states of each layer and direction: those of `hx`, (layers · directions, n, size), or zeros."""
        count, states = self.num_layers * (1 + self.bidirectional), self._states(hx, samples)
        sizes = (self.proj_size or self.hidden_size, self.hidden_size)[: _KINDS[self._name].states]
        if states is None:
            return iter([tuple(_zeros(n, size, like=self.weight_hh_l0) for size in sizes)] * count)
        for state, size in zip(states, sizes, strict=True):
            if state.shape != (count, n, size):
                message = f"{self._name}: an initial state is {state.shape}; it must be {(count, n, size)}."
                raise ValueError(message)
        return iter([tuple(s[i] for s in states) for i in range(count)])

    def extra_repr(self) -> str:
        """As PyTorch shows it: what differs from the defaults."""
        shown = [str(self.input_size), str(self.hidden_size)] + [f"proj_size={self.proj_size}"] * bool(self.proj_size)
        settings = [(name, getattr(self, name)) for name in _DEFAULTS]
        return ", ".join(shown + [f"{name}={value}" for name, value in settings if value != _DEFAULTS[name]])


class RNN(_Layer):
    """hₜ = tanh(W xₜ + b + U hₜ₋₁ + c), in `num_layers` layers: ``(t, n, input_size) -> (t, n, h), (layers, n, h)``.

    `nonlinearity` may be "relu". With `bidirectional`, a second recurrence runs backwards, and outputs stand side by
    side. `dropout` acts between layers, while training. Called with (input, h_0); h_0 is zero by default. Returns the
    outputs of the last layer and the final state of every layer. Parameters: `weight_ih_l0`, `weight_hh_l0`,
    `bias_ih_l0` and `bias_hh_l0`, with the suffix `_reverse` for the way back, drawn from U(±1/√hidden_size).
    ValueError for inputs of other shapes.
    """

    _name = "RNN"

    def __init__(
        self,
        input_size: Size,
        hidden_size: Count,
        num_layers: Count = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: Share = 0.0,
        bidirectional: bool = False,
        dtype: Any = None,
    ) -> None:
        require_value("RNN", "nonlinearity", nonlinearity, nonlinearity in ("tanh", "relu"), "'tanh' or 'relu'")
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype)
        self.nonlinearity = nonlinearity


class LSTM(_Layer):
    """Long short-term memory in `num_layers` layers: ``(t, n, input_size) -> (t, n, h), (h_n, c_n)``.

    h_n and c_n are (layers, n, h): the hidden and the cell state of every layer after the last step.
    Gates in the order i, f, g, o: c = f c + i g, h = o tanh c; see `micrograd_np.ops.fused.lstm`. Called
    with (input, (h_0, c_0)); returns outputs and (h_n, c_n). With `proj_size`, h is multiplied by ``weight_hr_l0``
    (proj_size, hidden_size) after every step. Everything else as in `RNN`.

    >>> from micrograd_np import Tensor
    >>> outputs, (h, c) = LSTM(3, 4, num_layers=2)(Tensor(np.zeros((5, 2, 3))))
    >>> outputs.shape, h.shape, c.shape
    ((5, 2, 4), (2, 2, 4), (2, 2, 4))
    """

    _name = "LSTM"

    def __init__(
        self,
        input_size: Size,
        hidden_size: Count,
        num_layers: Count = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: Share = 0.0,
        bidirectional: bool = False,
        proj_size: Size = 0,
        dtype: Any = None,
    ) -> None:
        require_value("LSTM", "proj_size", proj_size, proj_size < hidden_size, f"below hidden_size, {hidden_size}")
        self.proj_size = proj_size
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype)


class GRU(_Layer):
    """Gated recurrent units in `num_layers` layers: ``(t, n, input_size) -> (t, n, h), (layers, n, h)``.

    Gates in the order r, z, n: n = tanh(W x + b + r (U h + c)), h = (1 − z) n + z h. Everything else as in `RNN`.
    """

    _name = "GRU"


class _Cell(_Recurrent):
    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(self, input_size: Size, hidden_size: Count, bias: bool = True, dtype: Any = None) -> None:
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = _KINDS[self._name].gates * hidden_size
        self.weight_ih = _drawn(hidden_size, (rows, input_size), dtype, "F")  # as in `Linear`
        self.weight_hh = _drawn(hidden_size, (rows, hidden_size), dtype)
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, _drawn(hidden_size, (rows,), dtype) if bias else None)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The next state; of an LSTM the next h and c."""
        x, kind = as_tensor(input), _KINDS[self._name]
        single = x.ndim == 1
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            features = self.input_size
            message = f"{self._name}Cell: input is {x.shape}; it must be (n, {features}) or ({features},)."
            raise ValueError(message)
        x = x[None] if single else x
        states = self._states(hx, 0 if single else None)
        if states is None:
            states = (_zeros(x.shape[0], self.hidden_size, like=self.weight_hh),) * kind.states
        weights = [getattr(self, name, None) for name in _WEIGHTS]
        _, finals = kind.run(x[None], states, weights, self.nonlinearity)
        return self._unpack(tuple(s[0] for s in finals) if single else finals)

    def extra_repr(self) -> str:
        """As PyTorch shows it."""
        shown = [f"{self.input_size}, {self.hidden_size}"] + ["bias=False"] * (not self.bias)
        shown += [f"nonlinearity={self.nonlinearity}"] * (self.nonlinearity != "tanh")
        return ", ".join(shown)


class RNNCell(_Cell):
    """One step of an `RNN`: ``(n, input_size), (n, h) -> (n, h)``.

    Parameters: `weight_ih`, `weight_hh`, `bias_ih` and `bias_hh`, drawn from U(±1/√hidden_size).
    """

    _name = "RNN"

    def __init__(
        self, input_size: Size, hidden_size: Count, bias: bool = True, nonlinearity: str = "tanh", dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, dtype)
        self.nonlinearity = nonlinearity


class LSTMCell(_Cell):
    """One step of an `LSTM`: ``(n, input_size), ((n, h), (n, h)) -> ((n, h), (n, h))``."""

    _name = "LSTM"


class GRUCell(_Cell):
    """One step of a `GRU`: ``(n, input_size), (n, h) -> (n, h)``."""

    _name = "GRU"
