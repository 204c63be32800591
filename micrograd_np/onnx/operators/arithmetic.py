"""Arithmetic on names of a graph: what several operations are made of."""

from __future__ import annotations

import numpy as np

from ..graph import Graph


def choose(g: Graph, condition: str, x: str, y: str) -> str:
    """`x` where the condition holds, else `y`."""
    return g.node("Where", condition, x, y)


def times(g: Graph, x: str, factor: float) -> str:
    """`x` times a number."""
    return g.node("Mul", x, g.constant(float(factor)))


def plus(g: Graph, x: str, term: float) -> str:
    """`x` plus a number."""
    return g.node("Add", x, g.constant(float(term)))


def power(g: Graph, x: str, exponent: float) -> str:
    """`x` to a number."""
    return g.node("Pow", x, g.constant(float(exponent)))


def minus_abs(g: Graph, x: str) -> str:
    """−|x|."""
    return g.node("Neg", g.node("Abs", x))


def log1p(g: Graph, x: str) -> str:
    """x log(u) / (u − 1) with u = 1 + x rounded, which is accurate near 0. Source: Kahan."""
    u = plus(g, x, 1.0)
    rest = plus(g, u, -1.0)
    tiny = g.node("Equal", rest, g.constant(0.0))
    ratio = g.node("Div", g.node("Mul", x, g.node("Log", u)), choose(g, tiny, g.constant(1.0), rest))
    large = g.node("Equal", u, g.constant(np.inf))
    return choose(g, tiny, x, choose(g, large, u, ratio))


def expm1(g: Graph, x: str) -> str:
    """(u − 1) x / log(u) with u = exp(x) rounded, which is accurate near 0. Source: Kahan."""
    u = g.node("Exp", x)
    rest, log = plus(g, u, -1.0), g.node("Log", u)
    tiny = g.node("Equal", rest, g.constant(0.0))
    far = g.node("Or", g.node("Equal", rest, g.constant(-1.0)), g.node("Equal", u, g.constant(np.inf)))
    ratio = g.node("Div", g.node("Mul", rest, x), choose(g, g.node("Or", tiny, far), g.constant(1.0), log))
    return choose(g, tiny, x, choose(g, far, rest, ratio))
