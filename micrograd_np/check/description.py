"""What a docstring tells of an op besides its kernel's own words: derived from its declaration, as the tests are."""

import inspect
import re
from contextlib import suppress
from typing import Any

import numpy as np

import micrograd_np
from micrograd_np.core.primitive import Primitive
from micrograd_np.engine.symbol import formula
from micrograd_np.engine.tensor import Tensor

from .samples import Sample, contract, sample, samples_for, shape_from, width

LOOPS = ("ctc", "gru", "lstm", "rnn")  # their rules are no formulas
_LONGEST = 100


def derivatives(op: Primitive[Any]) -> dict[str, str]:
    """The rule by each input as a formula: on the example that makes it shortest. None for loops.

    Where the formula depends on the settings, those of the example are named: ``g · exp min(x, 0) for alpha=1.0``.
    """
    if op.__module__.endswith(LOOPS):
        return {}
    firsts: dict[str, Sample] = {}
    for example in samples_for(op, 0):
        firsts.setdefault(repr(example.static), example)
    settings = [{**op.defaults, **s.static} for s in firsts.values()]
    varied = [name for name in op.statics if len({repr(static[name]) for static in settings}) > 1]
    rules = {}
    for name in [name for name in op.inputs if name not in op.not_differentiable]:
        formulas = [formula(op, name, *s.inputs, **s.static) for s in firsts.values()]
        text, static = min(zip(formulas, settings, strict=True), key=lambda pair: len(pair[0]))
        alike = len(set(formulas)) == 1
        rules[name] = text if alike else f"{text} for {', '.join(f'{x}={static[x]!r}' for x in varied)}"
    return rules


def spelling(op: Primitive[Any]) -> str:
    """How users call an op: ``mg.cos``, ``mg.functional.elu``; nothing if it is not public."""
    for home in ("", "linalg.", "special.", "functional."):
        module = getattr(micrograd_np, home[:-1]) if home else micrograd_np
        if vars(module).get(op.name) is op:
            return f"mg.{home}{op.name}"
    return ""


def drawn(op: Primitive[Any]) -> Sample:
    """A few short numbers of its domain, and the settings of an example, if it has any."""
    cores = contract(op)
    names = sorted({n for core in cores[0] for n in core if not n.isdigit()}) if cores else []
    lengths = {name: 2 + i for i, name in enumerate(names)}
    inputs: list[tuple[int, ...]] = [shape_from(core, lengths) for core in cores[0]] if cores else [(3,)] * width(op)
    static = next(filter(None, op.examples), op.examples[0])
    examples = sample(op, inputs, static, np.random.default_rng(1))
    return examples.map(lambda x: x.round(1) + 0.0 if x.dtype.kind == "f" else x)


def example(op: Primitive[Any]) -> str:
    """A session that applies an op to these; nothing if it is not public."""
    name = spelling(op)
    if not name:
        return ""
    x = drawn(op)
    arguments = [f"mg.Tensor({value.tolist()})" for value in x.inputs]
    arguments += [f"{setting}={value!r}" for setting, value in x.static.items()]
    result = repr(x.apply(*map(Tensor, x.inputs))).replace("\n\n", "\n<BLANKLINE>\n")
    return f">>> import micrograd_np as mg\n>>> {name}({', '.join(arguments)})\n{result}"


def shapes(op: Primitive[Any]) -> str:
    """The shape contract, as a sentence: with names for the lengths, or what it is in the example."""
    if op.shape is None:
        return "Shapes: any that broadcast." if len(op.inputs) > 1 else "Shapes: ``(…) -> (…)``."
    if not re.search("[0-9]", op.shape):
        return f"Shapes: ``{op.shape.replace(',', ', ').replace('->', ' -> ')}``."
    x = drawn(op)
    settings = ", ".join(f"{name}={value!r}" for name, value in x.static.items())
    text = f"{', '.join(str(value.shape) for value in x.inputs)} -> {x.apply().shape}"
    return f"Shapes: ``{text}``, for example{f', with ``{settings}``' if settings else ''}."


def rules(op: Primitive[Any]) -> str:
    """The derivative rules, as a sentence; nothing where they are too long for one."""
    formulas = derivatives(op).items()
    text = "; ".join(f"by {x}: {rule}" if len(op.inputs) > 1 else rule for x, rule in formulas)
    result = "the result z" if re.search(r"\bz\b", text) else "the result"
    return f"Derivative: {text}, where g is the gradient of {result}." if 0 < len(text) <= _LONGEST else ""


def describe(op: Primitive[Any]) -> str:
    """The kernel's docstring, shapes, domain, derivative, and an example unless there is one.

    What cannot be derived from a declaration that is not complete yet is left out.
    """
    doc = inspect.cleandoc(op.kernel.__doc__ or "")
    domain = f"Domain: {', '.join(f'{x} in {d}' for x, d in zip(op.inputs, op.domain, strict=False))}."
    parts = [doc, domain]
    with suppress(Exception):
        parts[1] = "\n".join(filter(None, [shapes(op), domain, rules(op)]))
    with suppress(Exception):
        parts.append("" if ">>>" in doc else example(op))
    return "\n\n".join(filter(None, parts))
