"""What the property tests say of rules, for a learner: the smallest counterexample, and what it looks like."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from micrograd_np.check import check_gradients
from micrograd_np.check.claims import CLAIMS
from micrograd_np.check.functions import second_order
from micrograd_np.check.report import Report, Table
from micrograd_np.check.samples import Sample, samples_for, small_samples
from micrograd_np.check.verdict import AGREES, Comparison
from micrograd_np.core.primitive import Primitive

from .ladder import LADDER

_AGAIN = (
    "The gradient is right; its own derivative is not. Let the rule use z, g and the inputs themselves, and no numbers "
    "taken out of them (.data, .item(), float()) or computed without them."
)
_REST: Mapping[str, str] = {
    "gradient_agrees_with_forward_differences": "",
    "rules_agree_on_arrays_and_tensors": "Given tensors, the rule must compute the same as given arrays.",
    "dtype_is_kept": "np.zeros, np.ones and integers make float64 of float32: begin with g or x, as in 0 * x.",
    "layout_does_not_matter": "Do not rely on how the elements lie in memory.",
    "inputs_stay_as_they_are": "",
    "domain_is_silent": "Look for a division by 0 or an overflow where the inputs are allowed to be.",
}
"""The claims beyond the two derivatives, and what to do where one fails."""


class CounterexampleError(Exception):
    """A counterexample: a sentence, the inputs, gradients beside each other, a hint."""

    def __init__(
        self, what: str, sample: Any = None, g: Any = None, cells: Any = (), hint: str = "", theirs: str = "numeric"
    ) -> None:
        super().__init__(what)
        self.sample, self.g, self.hint = sample, g, hint
        self.cells = [("  ", "yours", theirs, ""), *cells] if cells else []


class Answer(Table):
    """A verdict that prints itself; `passed` is it as a bool."""

    passed = False


def judge(own: Primitive[Any], op: Primitive[Any], rules: Mapping[str, Any]) -> Answer:
    """The verdict on `rules`, which `own` has in the place of those of `op`."""
    samples = small_samples(own)
    every = [*samples, *samples_for(own)]
    tests: list[tuple[Callable[[Sample], None], list[Sample]]] = [
        (lambda s: _first(s, rules, samples), samples),
        (lambda s: _second(s, rules), samples),
        (lambda s: _edge(s, op, rules), list(_edges(samples))),
        *((lambda s, claim=claim: _other(s, claim), every) for claim in _REST),
    ]
    for test, drawn in tests:
        for sample in drawn:
            try:
                test(sample)
            except CounterexampleError as wrong:
                return _table(op, wrong)
            except Exception as error:  # noqa: BLE001  the learner's
                return _table(op, _failed(error, sample))
    count = f"  {len(_REST) + 2} claims hold on {len(every)} samples"
    right = Answer(f"{op.name}: right.", [(count,)], [])
    right.passed = True
    return right


def _failed(error: Exception, sample: Sample) -> CounterexampleError:
    """The counterexample for an error raised by a rule, or by what a rule must return: then its advice is the hint."""
    message = str(error).removeprefix("exercise: ")
    if message == str(error):
        said = [f"{type(error).__name__}: {error}", *getattr(error, "__notes__", [])]
        return CounterexampleError("\n".join(said), sample)
    what, _, advice = message.replace(f" of {sample.op.name}", "", 1).partition(". ")
    return CounterexampleError(f"{what[:1].upper()}{what[1:]}.", sample, hint=advice)


def _table(op: Primitive[Any], wrong: CounterexampleError) -> Answer:
    settings = "".join(f", {name}={value!r}" for name, value in wrong.sample.static.items())
    named = [*zip(op.inputs, wrong.sample.inputs, strict=True)]
    named += [] if wrong.g is None else [("g", wrong.g)]
    notes = [f"with {', '.join(f'{name} = {_text(x)}' for name, x in named)}{settings}"]
    hint = wrong.hint or (LADDER[op.name].hint if op.name in LADDER else "")
    return Answer(f"{op.name}: not yet. {wrong}", wrong.cells, notes + [f"Hint: {hint}"] * (hint != ""))


def _text(x: Any) -> str:
    x = np.asarray(x)
    x = x + 0.0 if x.dtype.kind == "f" else x  # 0.0 of -0.0
    return np.array2string(x, precision=4, separator=", ", threshold=30).replace("\n", "")


def _seed(z: Any) -> Any:
    return np.arange(2.0, 2.0 + z.size).reshape(z.shape)  # no 1, which a rule that forgets g would pass


def _first(sample: Sample, rules: Mapping[str, Any], samples: list[Sample]) -> None:
    """Raise if a rule does not agree with finite differences on `sample`."""
    g = _seed(sample.apply())
    report = _compared(sample, g)
    for name in (row.name for row in report if row.verdict != AGREES and row.name in rules):
        what = f"The smallest case in which your rule for {name} fails:"
        with np.errstate(all="ignore"):
            case, cases = ([*_cases(drawn, name, rules[name])] for drawn in ([sample], samples))
            hint = _hint(name, case[0], cases) if case else ""
        raise CounterexampleError(what, sample, g, _cells(row for row in report if row.name in rules), hint)


def _compared(sample: Sample, g: Any) -> Report:
    f, xs = sample.function()

    def weighted(*varied: Any) -> Any:
        return (f(*varied) * g).sum()

    weighted.names = f.names  # type: ignore[attr-defined]
    return check_gradients(weighted, *xs)


def _cells(rows: Iterable[Comparison]) -> list[tuple[str, ...]]:
    return [(f"  {row.name}", _text(row.analytic), _text(row.numeric), row.verdict) for row in rows]


def _second(sample: Sample, rules: Mapping[str, Any]) -> None:
    """Raise if the derivatives of the rules do not agree with finite differences."""
    report = check_gradients(*second_order(*sample.function()), entries=12, rtol=1e-4)
    wrong = [row for row in report if row.verdict != AGREES]
    if wrong:
        what = f"The smallest case in which the derivative of your gradient by {wrong[0].name} fails:"
        raise CounterexampleError(what, sample, cells=_cells(report), hint=_AGAIN)


def _edges(samples: list[Sample]) -> Iterator[Sample]:
    """Samples at kinks and ties, where finite differences cannot judge."""
    for sample in samples:
        domains = [d for d in sample.op.domain if d.kinks or d.distinct]
        for domain in domains[:1]:
            for kink in domain.kinks or (1.0,):
                yield sample.map(lambda x, kink=kink: np.full_like(x, kink) if x.dtype.kind == "f" else x)


def _edge(sample: Sample, op: Primitive[Any], rules: Mapping[str, Any]) -> None:
    """Raise if the gradients are not the library's at an edge where these are finite."""
    with np.errstate(all="ignore"):
        z = sample.apply()
        g = _seed(z)
        for i, name in enumerate(op.inputs):
            if name in rules:
                yours, ours = (o.rules[i](g, z, *sample.inputs, **sample.settings) for o in (sample.op, op))  # type: ignore[misc]
                if np.all(np.isfinite(ours)) and not np.allclose(yours, ours):
                    what = f"At an edge, your rule for {name} differs from the library's convention:"
                    cells = [(f"  {name}", _text(yours), _text(ours), "")]
                    raise CounterexampleError(what, sample, g, cells, theirs="the library's")


def _other(sample: Sample, claim: str) -> None:
    try:
        CLAIMS[claim](sample)
    except AssertionError as error:
        first, _, more = str(error).strip().partition("\n")
        what = f"{claim.replace('_', ' ').capitalize()}: that does not hold. {first}{' …' if more else ''}"
        raise CounterexampleError(what, sample, hint=_REST[claim]) from error


class _Case(NamedTuple):
    """What a rule makes of a sample: the gradient `a`, beside the right one of each input."""

    sample: Sample
    rule: Callable[[Any], Any]  # of g alone
    values: Mapping[str, Any]  # the inputs, and z
    a: Any
    right: Mapping[str, Any]


def _cases(samples: list[Sample], name: str, rule: Any) -> Iterator[_Case]:
    """Of each sample on which the rule raises nothing; of an elementwise op, where `name` is not broadcast."""
    for s in samples:
        with suppress(Exception):
            z = s.apply()
            values = {**dict(zip(s.op.inputs, s.inputs, strict=True)), "z": z}
            if s.op.shape is not None or z.shape == values[name].shape:
                report = _compared(s, _seed(z))
                right = {row.name: row.numeric for row in report}
                by_g = partial(lambda s, z, g: rule(g, z, *s.inputs, **s.settings), s, z)
                yield _Case(s, by_g, values, report[name].analytic, right)


def _hint(name: str, case: _Case, cases: list[_Case]) -> str:
    """What is wrong in `case`, as far as it is so in all `cases`; "" if it looks like nothing known."""
    if not np.all(np.isfinite(case.a)):
        return f"Your gradient is {case.a[~np.isfinite(case.a)].flat[0]} somewhere: look for a division by 0."
    if all(np.isclose(c.a, c.right[name], rtol=1e-4, atol=1e-6)[c.values[name] != 0].all() for c in cases):
        return f"It is wrong only where {name} is 0."
    ratio, looks = _ratio(name, case), defaultdict(list)
    for c in cases:
        for text, u, v in _looks(name, ratio, c):
            looks[text].append((u, v))
    several = [(c.a * _ratio(name, c), c.right[name]) for c in cases if c.a.size > 1]
    text = f"Here the right one is {ratio:.4g} times yours; elsewhere it is another factor: it comes from the shapes."
    everywhere = next((text for text, pairs in looks.items() if _fits(pairs)), "")
    return everywhere or _mixed(name, case) or (text if _fits(several) else "")


def _looks(name: str, ratio: float, c: _Case) -> Iterator[tuple[str, Any, Any]]:
    """What a wrong gradient may look like, and two arrays that are the same if it does."""
    a, n, g, z = c.a, c.right[name], _seed(c.values["z"]), c.values["z"]
    yield "The sign is wrong.", a, -n
    yield "Your gradient does not change with g. By the chain rule, g is a factor of it.", c.rule(g), c.rule(2 * g)
    yield "It looks transposed.", a, n.T
    yield from ((f"This is the gradient of {v}.", a, x) for v, x in c.right.items() if v != name and x.shape == n.shape)
    for v, x in {**c.values, f"(1 - {name})": 1 - c.values[name], "(1 - z)": 1 - z}.items():
        if x.shape == n.shape:
            yield f"A factor is missing: {v}.", a * x, n
            yield f"A factor is too much: {v}.", a, n * x
    yield f"The right one is {ratio:.4g} times yours, everywhere: a constant factor.", a * ratio, n


def _ratio(name: str, c: _Case) -> float:
    return float((c.right[name][c.a != 0] / c.a[c.a != 0])[0]) if c.a.any() else 1.0


def _fits(pairs: list[tuple[Any, Any]]) -> bool:
    """Whether both of each pair are the same, with more than one number that says something."""
    return all(_same(u, v) for u, v in pairs) and bool(sum(np.count_nonzero(v) for _, v in pairs) > 1)


def _mixed(name: str, c: _Case) -> str:
    """An element of the gradient that changes with one of g, where no change of its input moves that one of z."""
    x, z, i = c.values[name], c.values["z"], list(c.values).index(name)
    for j in np.ndindex(x.shape if x.size > 1 else 0):
        moved = np.zeros(z.shape, bool)
        for value in (x.max() + 9, x.min() - 9):
            other = x.copy()
            other[j] = value
            moved |= c.sample.apply(*c.sample.inputs[:i], other, *c.sample.inputs[i + 1 :]) != z
        for k in np.argwhere(~moved).tolist():
            g = _seed(z)
            before = c.rule(g.copy())
            g[tuple(k)] += 1
            if tuple(k) != j and before.shape == x.shape and not _same(before[j], c.rule(g)[j]):
                return (
                    f"Your gradient of {name}{[*j]} changes with g{k}, and z{k} does not depend on {name}{[*j]}. "
                    "Sum along the axis only (axis=axis), and keep it (keepdims=True, or mg.expand_dims)."
                )
    return ""


def _same(a: Any, b: Any) -> bool:
    return bool(np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-4, atol=1e-6))
