"""Recurrences over time: a plain RNN, LSTM and GRU, each one primitive for all time steps.

A step is a small product with the state before and a handful of elementwise lines. One primitive for all steps, because
a vertex per step and line would cost more than the arithmetic: 50 steps of 32 × 64 would leave 800 vertices on the tape
(measured: 2.5 times the time).

The way back needs the gates of every step. They are the result of another primitive, `lstm_memory` or `gru_memory`,
which has no derivative, and which the recurrence and its rules are given as an aid: with it they look up what they
would otherwise compute. So no gradient ever arrives at a gate, and the way back need not add it.

On the way back an application's rules all need the same sweep from the last step to the first, so it is made once, for
whichever rule asks first; the others are one product or one slice of it.
"""

from .gated_units import gru, gru_memory, gru_sweep
from .long_short_term import lstm, lstm_memory, lstm_sweep
from .plain import rnn, rnn_sweep

__all__ = ["gru", "gru_memory", "gru_sweep", "lstm", "lstm_memory", "lstm_sweep", "rnn", "rnn_sweep"]
