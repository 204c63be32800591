"""Recurrent layers, RNN, LSTM and GRU, and their cells: PyTorch's gates, orders, names and shapes.

Sequences are (t, n, features) unless `batch_first`; one sequence without n gives results without n. All steps of a
layer are one primitive; see `micrograd_np.ops.fused.recurrent_sweep`.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from micrograd_np import functional, random
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

_GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}


def _drawn(bound: float, shape: tuple[int, ...], dtype: Any, order: Any = "C") -> Parameter:
    return Parameter(random.generator().uniform(-bound, bound, shape).astype(dtype, order=order))


def _zeros(*shape: int, like: Any) -> Any:
    return constant(np.zeros(shape, like.dtype))


def _rnn_steps(
    x: Any, state: tuple[Any, ...], weights: tuple[Any, ...], nonlinearity: str
) -> tuple[Any, tuple[Any, ...]]:
    w_ih, w_hh, b_ih, b_hh, _ = weights
    z = rnn(linear(x, w_ih, b_ih if b_hh is None else b_ih + b_hh), state[0], w_hh, nonlinearity=nonlinearity)
    return z, (z[-1],)


def _lstm(*inputs: Any) -> tuple[Any, Any]:
    z = lstm(*inputs, lstm_memory(*inputs))
    return z[:-1], z[-1]


def _lstm_steps(x: Any, state: tuple[Any, ...], weights: tuple[Any, ...], _: str) -> tuple[Any, tuple[Any, ...]]:
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    bias = _zeros(w_hh.shape[0], like=w_hh) if b_ih is None else b_ih + b_hh
    h, c = state
    if w_hr is None:
        z, c = _lstm(x, h, c, w_ih, w_hh, bias)
        return z, (z[-1], c)
    found = []
    for t in range(x.shape[0]):  # the projection stands between the steps, so each is a recurrence of one step
        z, c = _lstm(x[t : t + 1], h, c, w_ih, w_hh, bias)
        h = matmul(z[0], transpose(w_hr))
        found.append(h)
    return stack(found), (h, c)


def _gru_steps(x: Any, state: tuple[Any, ...], weights: tuple[Any, ...], _: str) -> tuple[Any, tuple[Any, ...]]:
    w_ih, w_hh, b_ih, b_hh, _ = weights
    k = w_hh.shape[1]
    if b_ih is None:
        bias, own = _zeros(3 * k, like=w_hh), _zeros(k, like=w_hh)
    else:  # of the second bias, the part for n stays inside the product with r
        bias = b_ih + scatter_slice(view(b_hh, index=slice(0, 2 * k)), index=slice(0, 2 * k), shape=(3 * k,))
        own = view(b_hh, index=slice(2 * k, 3 * k))
    inputs = x, state[0], w_ih, w_hh, bias, own
    z = gru(*inputs, gru_memory(*inputs))
    return z, (z[-1],)


_STEPS = {"RNN": _rnn_steps, "LSTM": _lstm_steps, "GRU": _gru_steps}


class _Recurrent(Module):
    _kind: str
    weight_hh_l0: Parameter
    nonlinearity = "tanh"

    def __init__(
        self,
        input_size: Size,
        hidden_size: Count,
        num_layers: Count,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        dtype: Any,
        proj_size: Size = 0,
    ) -> None:
        if proj_size >= hidden_size:
            message = f"{self._kind}: proj_size must be below hidden_size; found {proj_size} and {hidden_size}."
            raise ValueError(message)
        self.input_size, self.hidden_size, self.num_layers, self.bias = input_size, hidden_size, num_layers, bias
        self.batch_first, self.dropout, self.bidirectional = batch_first, dropout, bidirectional
        self.proj_size = proj_size
        dtype = get_default_dtype() if dtype is None else dtype
        bound, rows, state = 1 / sqrt(hidden_size), _GATES[self._kind] * hidden_size, proj_size or hidden_size
        for layer in range(num_layers):
            given = input_size if layer == 0 else state * (1 + bidirectional)
            for end in self._ends(layer):
                setattr(self, f"weight_ih{end}", _drawn(bound, (rows, given), dtype, "F"))  # as in `Linear`
                setattr(self, f"weight_hh{end}", _drawn(bound, (rows, state), dtype))
                if bias:
                    setattr(self, f"bias_ih{end}", _drawn(bound, (rows,), dtype))
                    setattr(self, f"bias_hh{end}", _drawn(bound, (rows,), dtype))
                if proj_size:
                    setattr(self, f"weight_hr{end}", _drawn(bound, (proj_size, hidden_size), dtype))

    def _ends(self, layer: int) -> list[str]:
        """What the names of a layer's parameters end in, for each direction."""
        return [f"_l{layer}", f"_l{layer}_reverse"][: 1 + self.bidirectional]

    def _weights(self, end: str) -> tuple[Any, ...]:
        return tuple(
            getattr(self, f"{name}{end}", None)
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
        )

    def _run(self, x: Any, states: tuple[Any, ...] | None) -> tuple[Any, tuple[Any, ...]]:
        """Outputs and final states; `states` are (layers · directions, n, size) each, or None for zeros."""
        x = as_tensor(x)
        single = x.ndim == 2
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            layout = "(n, t, features)" if self.batch_first else "(t, n, features)"
            message = (
                f"{self._kind}: input is {x.shape}; it must be {layout} or (t, features), "
                f"with {self.input_size} features."
            )
            raise ValueError(message)
        if single:
            x = x[:, None]
        elif self.batch_first:
            x = called_as(x, transpose(x, axes=(1, 0, 2)))
        if not x.shape[0]:
            message = f"{self._kind}: the sequence has no steps; input is {x.shape}, time first."
            raise ValueError(message)
        starts = self._starts(states, x, single=single)
        finals = []
        for layer in range(self.num_layers):
            if layer and self.dropout:
                x = functional.dropout(x, self.dropout, self.training)
            found = []
            for back, end in enumerate(self._ends(layer)):
                steps = x[::-1] if back else x
                z, final = _STEPS[self._kind](steps, next(starts), self._weights(end), self.nonlinearity)
                found.append(z[::-1] if back else z)
                finals.append(final)
            x = found[0] if len(found) == 1 else concatenate(*found, axis=-1)
        ends = tuple(stack(parts) for parts in zip(*finals, strict=True))
        if single:
            return x[:, 0], tuple(end[:, 0] for end in ends)
        return transpose(x, axes=(1, 0, 2)) if self.batch_first else x, ends

    def _starts(self, states: tuple[Any, ...] | None, x: Any, *, single: bool) -> Any:
        count = self.num_layers * (1 + self.bidirectional)
        sizes = (self.proj_size or self.hidden_size, self.hidden_size)[: 1 + (self._kind == "LSTM")]
        if states is None:
            zeros = tuple(_zeros(x.shape[1], size, like=self.weight_hh_l0) for size in sizes)
            return iter([zeros] * count)
        states = tuple(as_tensor(s)[:, None] if single else as_tensor(s) for s in states)
        for state, size in zip(states, sizes, strict=True):
            if state.shape != (count, x.shape[1], size):
                message = f"{self._kind}: an initial state is {state.shape}; it must be {(count, x.shape[1], size)}."
                raise ValueError(message)
        return iter([tuple(s[i] for s in states) for i in range(count)])

    def extra_repr(self) -> str:
        """As PyTorch shows it: what differs from the defaults."""
        shown = [str(self.input_size), str(self.hidden_size)]
        if self.proj_size:
            shown.append(f"proj_size={self.proj_size}")
        usual = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False}
        shown += [f"{name}={getattr(self, name)}" for name, value in usual.items() if getattr(self, name) != value]
        return ", ".join(shown)


class RNN(_Recurrent):
    """hₜ = tanh(W xₜ + b + U hₜ₋₁ + c), in `num_layers` layers: ``(t, n, input_size) -> (t, n, h), (layers, n, h)``.

    `nonlinearity` may be "relu". With `bidirectional`, a second recurrence runs backwards, and outputs stand side by
    side. `dropout` acts between layers, while training. Called with (input, h_0); h_0 is zero unless given. Returns the
    outputs of the last layer and the final state of every layer. Parameters: `weight_ih_l0`, `weight_hh_l0`,
    `bias_ih_l0` and `bias_hh_l0`, with the suffix `_reverse` for the way back, drawn from U(±1/√hidden_size).
    ValueError for inputs of other shapes.
    """

    _kind = "RNN"

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
        if nonlinearity not in ("tanh", "relu"):
            message = f"RNN: nonlinearity must be 'tanh' or 'relu', found {nonlinearity!r}."
            raise ValueError(message)
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """Outputs of every step, and the final states."""
        outputs, (h,) = self._run(input, None if hx is None else (hx,))
        return outputs, h


class LSTM(_Recurrent):
    """Long short-term memory in `num_layers` layers: ``(t, n, input_size) -> (t, n, h), (h_n, c_n)``.

    h_n and c_n are (layers, n, h): the state and the cell of every layer after the last step.
    Gates in the order i, f, g, o: c = f c + i g, h = o tanh c; see `micrograd_np.ops.fused.lstm`. Called
    with (input, (h_0, c_0)); returns outputs and (h_n, c_n). With `proj_size`, h is multiplied by ``weight_hr_l0``
    (proj_size, hidden_size) after every step. Everything else as in `RNN`.

    >>> from micrograd_np import Tensor
    >>> outputs, (h, c) = LSTM(3, 4, num_layers=2)(Tensor(np.zeros((5, 2, 3))))
    >>> outputs.shape, h.shape, c.shape
    ((5, 2, 4), (2, 2, 4), (2, 2, 4))
    """

    _kind = "LSTM"

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
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype, proj_size
        )

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, tuple[Any, Any]]:
        """Outputs of every step, and the final states and cells."""
        outputs, (h, c) = self._run(input, hx)
        return outputs, (h, c)


class GRU(_Recurrent):
    """Gated recurrent units in `num_layers` layers: ``(t, n, input_size) -> (t, n, h), (layers, n, h)``.

    Gates in the order r, z, n: n = tanh(W x + b + r (U h + c)), h = (1 − z) n + z h. Everything else as in `RNN`.
    """

    _kind = "GRU"

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
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype)

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """Outputs of every step, and the final states."""
        outputs, (h,) = self._run(input, None if hx is None else (hx,))
        return outputs, h


class _Cell(Module):
    _kind: str
    bias_ih: Parameter | None
    bias_hh: Parameter | None
    nonlinearity = "tanh"

    def __init__(self, input_size: Size, hidden_size: Count, bias: bool = True, dtype: Any = None) -> None:
        dtype = get_default_dtype() if dtype is None else dtype
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        bound, rows = 1 / sqrt(hidden_size), _GATES[self._kind] * hidden_size
        self.weight_ih = _drawn(bound, (rows, input_size), dtype, "F")  # as in `Linear`
        self.weight_hh = _drawn(bound, (rows, hidden_size), dtype)
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, _drawn(bound, (rows,), dtype) if bias else None)

    def _step(self, x: Any, states: tuple[Any, ...] | None) -> tuple[Any, ...]:
        x = as_tensor(x)
        single = x.ndim == 1
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            message = (
                f"{self._kind}Cell: input is {x.shape}; it must be (n, {self.input_size}) or ({self.input_size},)."
            )
            raise ValueError(message)
        x = x[None] if single else x
        if states is None:
            states = (_zeros(x.shape[0], self.hidden_size, like=self.weight_hh),) * (1 + (self._kind == "LSTM"))
        else:
            states = tuple(as_tensor(s)[None] if single else as_tensor(s) for s in states)
        weights = (self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh, None)
        _, finals = _STEPS[self._kind](x[None], states, weights, self.nonlinearity)
        return tuple(s[0] for s in finals) if single else finals

    def extra_repr(self) -> str:
        """As PyTorch shows it."""
        shown = "" if self.bias else ", bias=False"
        return f"{self.input_size}, {self.hidden_size}{shown}" + f", nonlinearity={self.nonlinearity}" * (
            self.nonlinearity != "tanh"
        )


class RNNCell(_Cell):
    """One step of an `RNN`: ``(n, input_size), (n, h) -> (n, h)``.

    Parameters: `weight_ih`, `weight_hh`, `bias_ih` and `bias_hh`, drawn from U(±1/√hidden_size).
    """

    _kind = "RNN"

    def __init__(
        self, input_size: Size, hidden_size: Count, bias: bool = True, nonlinearity: str = "tanh", dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The next state."""
        return self._step(input, None if hx is None else (hx,))[0]


class LSTMCell(_Cell):
    """One step of an `LSTM`: ``(n, input_size), ((n, h), (n, h)) -> ((n, h), (n, h))``."""

    _kind = "LSTM"

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """The next state and cell."""
        h, c = self._step(input, hx)
        return h, c


class GRUCell(_Cell):
    """One step of a `GRU`: ``(n, input_size), (n, h) -> (n, h)``."""

    _kind = "GRU"

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The next state."""
        return self._step(input, None if hx is None else (hx,))[0]
