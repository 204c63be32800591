"""Recurrent layers, RNN, LSTM and GRU, and their cells: PyTorch's gates, orders, names and shapes.

Sequences are (t, n, features) unless `batch_first`; one sequence without n gives results without n. All steps of a
layer are one primitive; see `micrograd_np.ops.fused.recurrent_sweep`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Annotated, Any, NamedTuple

import numpy as np

from micrograd_np import functional
from micrograd_np.core.messages import describe_value, must_be, require_value
from micrograd_np.core.settings import Count, Share, Size
from micrograd_np.core.views import called_as
from micrograd_np.engine.constant import constant
from micrograd_np.functional.linear import linear
from micrograd_np.functional.operands import as_tensor
from micrograd_np.ops.fused.gru import gru, gru_memory
from micrograd_np.ops.fused.lstm import lstm, lstm_memory
from micrograd_np.ops.fused.rnn import rnn
from micrograd_np.ops.index import scatter_slice, view
from micrograd_np.ops.linear import matmul
from micrograd_np.ops.shape import concatenate, reshape, stack, transpose

from .module import Module
from .packed import PackedSequence, joined, runs_of
from .parameter import Parameter, uniform

_WEIGHTS = "weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"
_LAYER = ("batch_first=?", "dropout=?", "bidirectional=?")


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
    proj_size = 0
    hidden_size: int
    bias: bool

    def _add_weights(self, features: int, end: str, dtype: Any) -> None:
        """Add the parameters of one recurrence, whose names end in `end`."""
        rows, state = _KINDS[self._name].gates * self.hidden_size, self.proj_size or self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, features), "weight_hh": (rows, state)}
        shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)} if self.bias else {}
        shapes |= {"weight_hr": (self.proj_size, self.hidden_size)} if self.proj_size else {}
        for name, shape in shapes.items():
            order = "F" if name == "weight_ih" else "C"  # as in `Linear`
            setattr(self, f"{name}{end}", uniform(1 / sqrt(self.hidden_size), *shape, dtype=dtype, order=order))

    def _run(self, x: Any, states: tuple[Any, ...], end: str) -> tuple[Any, tuple[Any, ...]]:
        weights = [getattr(self, f"{name}{end}", None) for name in _WEIGHTS]
        return _KINDS[self._name].run(x, states, weights, self.nonlinearity)

    def _states(self, hx: Any, n: int, axis: int | None, dtype: Any) -> tuple[Any, ...]:
        """The initial states, zero by default; those of one sample get the axis of n, which they lack."""
        sizes = (self.proj_size or self.hidden_size, self.hidden_size)[: _KINDS[self._name].states]
        if hx is None:
            return tuple([constant(np.zeros((n, size), dtype)) for size in sizes])
        if len(sizes) > 1 and not (isinstance(hx, (tuple, list)) and len(hx) == len(sizes)):
            raise TypeError(must_be(self._name, "hx", "a pair of states, (h, c)", describe_value(hx)))
        states = tuple(map(as_tensor, hx if len(sizes) > 1 else (hx,)))
        return states if axis is None else tuple([s[(slice(None),) * axis + (None,)] for s in states])


def _unpack(states: tuple[Any, ...]) -> Any:
    return states if len(states) > 1 else states[0]


class _Layer(_Recurrent):
    weight_hh_l0: Parameter
    _in_repr = ("input_size", "hidden_size", "proj_size=?", "num_layers=?", "bias=?", *_LAYER)

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
        for layer in range(num_layers):
            features = (self.proj_size or hidden_size) * (1 + bidirectional) if layer else input_size
            for end in self._ends(layer):
                self._add_weights(features, end, dtype)

    def _ends(self, layer: int) -> list[str]:
        """What the names of a layer's parameters end in, for each direction."""
        return [f"_l{layer}", f"_l{layer}_reverse"][: 1 + self.bidirectional]

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Outputs of every step, and the final state of every layer; of an LSTM the final h and c."""
        if isinstance(input, PackedSequence):
            return self._packed(input, hx)
        x = as_tensor(input)
        single = x.ndim == 2
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            layout = "(n, t, features)" if self.batch_first else "(t, n, features)"
            raise ValueError(
                f"{self._name}: input is {x.shape}; it must be {layout} or (t, features), "
                f"with {self.input_size} features."
            )
        if single:
            x = x[:, None]
        elif self.batch_first:
            x = called_as(x, transpose(x, axes=(1, 0, 2)))
        if not x.shape[0]:
            raise ValueError(f"{self._name}: the sequence has no steps; input is {x.shape}, time first.")
        x, ends = self._layers(x, self._starts(hx, x.shape[1], 1 if single else None), self._swept)
        if single:
            return x[:, 0], _unpack(tuple(end[:, 0] for end in ends))
        return transpose(x, axes=(1, 0, 2)) if self.batch_first else x, _unpack(ends)

    def _layers(self, x: Any, starts: list[tuple[Any, ...]], sweep: Callable[..., Any]) -> tuple[Any, tuple[Any, ...]]:
        """The last layer's outputs and the final states, from the initial ones; `sweep` is one layer, one way."""
        finals: list[Any] = []
        for layer in range(self.num_layers):
            if layer and self.dropout:
                x = functional.dropout(x, self.dropout, self.training)
            directions = []
            for reverse, end in enumerate(self._ends(layer)):
                z, final = sweep(x, starts[len(finals)], end, reverse)
                directions.append(z)
                finals.append(final)
            x = directions[0] if len(directions) == 1 else concatenate(*directions, axis=-1)
        return x, tuple(stack(states) for states in zip(*finals, strict=True))

    def _swept(self, x: Any, states: tuple[Any, ...], end: str, reverse: int) -> tuple[Any, tuple[Any, ...]]:
        z, final = self._run(x[::-1] if reverse else x, states, end)
        return z[::-1] if reverse else z, final

    def _packed(self, sequence: PackedSequence, hx: Any) -> tuple[PackedSequence, Any]:
        """`forward` of packed sequences: as many at a time as there still are."""
        data, sizes, order, back = sequence
        if data.ndim != 2 or data.shape[1] != self.input_size:
            needed = f"({sum(sizes)}, {self.input_size})"
            raise ValueError(f"{self._name}: the data of the packed sequence is {data.shape}; it must be {needed}.")
        runs = runs_of(sizes)
        starts = self._starts(hx, sizes[0], None)
        if order is not None and hx is not None:
            starts = [tuple(s[constant(np.array(order))] for s in states) for states in starts]

        def sweep(x: Any, states: tuple[Any, ...], end: str, reverse: int) -> tuple[Any, tuple[Any, ...]]:
            outputs: list[Any] = []
            ended: list[tuple[Any, ...]] = []  # the states of sequences that are over, the latest first
            first, states = states, states if not reverse else tuple(s[:0] for s in states)
            for rows, steps, size in reversed(runs) if reverse else runs:
                n = states[0].shape[0]
                if n > size:
                    ended.insert(0, tuple(s[size:] for s in states))
                    states = tuple(s[:size] for s in states)
                elif n < size:  # the way back meets the ends of further sequences
                    more = tuple(s[n:size] for s in first)
                    states = tuple(concatenate(s, m, axis=0) for s, m in zip(states, more, strict=True)) if n else more
                z, states = self._swept(reshape(x[rows], shape=(steps, size, x.shape[1])), states, end, reverse)
                outputs.append(z)
            parts = zip(states, *ended, strict=True)
            return joined(outputs[:: -1 if reverse else 1]), tuple(
                concatenate(*p, axis=0) if len(p) > 1 else p[0] for p in parts
            )

        z, ends = self._layers(data, starts, sweep)
        if back is not None:
            ends = tuple(end[:, constant(np.array(back))] for end in ends)
        return PackedSequence(z, sizes, order, back), _unpack(ends)

    def _starts(self, hx: Any, n: int, axis: int | None) -> list[tuple[Any, ...]]:
        """The initial states of each layer and direction, those of `hx` being (layers · directions, n, size)."""
        states, count = self._states(hx, n, axis, self.weight_hh_l0.dtype), self.num_layers * (1 + self.bidirectional)
        if hx is None:
            return [states] * count
        for state, size in zip(states, (self.proj_size or self.hidden_size, self.hidden_size), strict=False):
            if state.shape != (count, n, size):
                raise ValueError(f"{self._name}: an initial state is {state.shape}; it must be {(count, n, size)}.")
        return [tuple(s[i] for s in states) for i in range(count)]


class RNN(_Layer):
    """hₜ = tanh(W xₜ + b + U hₜ₋₁ + c), in `num_layers` layers: ``(t, n, input_size) -> (t, n, h), (layers, n, h)``.

    `nonlinearity` may be "relu". With `bidirectional`, a second recurrence runs backwards, and outputs stand side by
    side. `dropout` acts between layers, while training. Called with (input, h_0); h_0 is zero by default. Returns the
    outputs of the last layer and the final state of every layer. Of an input that `nn.utils.rnn.pack_padded_sequence`
    has packed, the outputs are packed, too, and the final states are those at the end of each sequence. Parameters:
    `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0` and `bias_hh_l0`, with the suffix `_reverse` for the way back, drawn
    from U(±1/√hidden_size).
    ValueError for inputs of other shapes.

    >>> import micrograd_np as mg
    >>> outputs, state = mg.nn.RNN(3, 4)(mg.ones(5, 2, 3))
    >>> outputs.shape, state.shape
    ((5, 2, 4), (1, 2, 4))
    """

    _name = "RNN"

    def __init__(
        self,
        input_size: Size,
        hidden_size: Count,
        num_layers: Count = 1,
        nonlinearity: Annotated[str, "tanh", "relu"] = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: Share = 0.0,
        bidirectional: bool = False,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype)
        self.nonlinearity = nonlinearity


class LSTM(_Layer):
    """Long short-term memory in `num_layers` layers: ``(t, n, input_size) -> (t, n, h), (h_n, c_n)``.

    h_n and c_n are (layers, n, h): the hidden and the cell state of every layer after the last step.
    Gates in the order i, f, g, o: c = f c + i g, h = o tanh c; see `micrograd_np.ops.fused.lstm`. Called
    with (input, (h_0, c_0)); returns outputs and (h_n, c_n). With `proj_size`, h is multiplied by ``weight_hr_l0``
    (proj_size, hidden_size) after every step. Everything else as in `RNN`.
    ValueError for a `proj_size` that is not below `hidden_size`.

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

    >>> import micrograd_np as mg
    >>> outputs, state = mg.nn.GRU(3, 4)(mg.ones(5, 2, 3))
    >>> outputs.shape, state.shape
    ((5, 2, 4), (1, 2, 4))
    """

    _name = "GRU"


class _Cell(_Recurrent):
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None
    _in_repr = ("input_size", "hidden_size", "bias=?", "nonlinearity=?")

    def __init__(self, input_size: Size, hidden_size: Count, bias: bool = True, dtype: Any = None) -> None:
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        self._add_weights(input_size, "", dtype)
        for name in () if bias else ("bias_ih", "bias_hh"):
            self.register_parameter(name, None)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The next state; of an LSTM the next h and c."""
        x = as_tensor(input)
        single = x.ndim == 1
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            features = self.input_size
            raise ValueError(f"{self._name}Cell: input is {x.shape}; it must be (n, {features}) or ({features},).")
        x = x[None] if single else x
        states = self._states(hx, x.shape[0], 0 if single else None, self.weight_hh.dtype)
        _, finals = self._run(x[None], states, "")
        return _unpack(tuple(s[0] for s in finals) if single else finals)


class RNNCell(_Cell):
    """One step of an `RNN`: ``(n, input_size), (n, h) -> (n, h)``.

    Parameters: `weight_ih`, `weight_hh`, `bias_ih` and `bias_hh`, drawn from U(±1/√hidden_size).

    >>> import micrograd_np as mg
    >>> mg.nn.RNNCell(3, 4)(mg.ones(2, 3)).shape
    (2, 4)
    """

    _name = "RNN"

    def __init__(
        self, input_size: Size, hidden_size: Count, bias: bool = True, nonlinearity: str = "tanh", dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, dtype)
        self.nonlinearity = nonlinearity


class LSTMCell(_Cell):
    """One step of an `LSTM`: ``(n, input_size), ((n, h), (n, h)) -> ((n, h), (n, h))``.

    >>> import micrograd_np as mg
    >>> h, c = mg.nn.LSTMCell(3, 4)(mg.ones(2, 3))
    >>> h.shape, c.shape
    ((2, 4), (2, 4))
    """

    _name = "LSTM"


class GRUCell(_Cell):
    """One step of a `GRU`: ``(n, input_size), (n, h) -> (n, h)``.

    >>> import micrograd_np as mg
    >>> mg.nn.GRUCell(3, 4)(mg.ones(2, 3)).shape
    (2, 4)
    """

    _name = "GRU"
