"""What the property tests say of rules, for a learner: the smallest counterexample, and what it looks like."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from micrograd_np.check import check_gradients
from micrograd_np.check.claims import CLAIMS
from micrograd_np.check.functions import second_order
from micrograd_np.check.report import Report, Table
from micrograd_np.check.samples import Sample, samples_for, small_samples
from micrograd_np.check.verdict import AGREES
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
    "inputs_stay_as_they_are": "Make a new array: g * 2, and not g *= 2.",
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

    def __init__(self, title: str, cells: Any, notes: Any, *, passed: bool) -> None:
        super().__init__(title, cells, notes)
        self.passed = passed


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
    return Answer(f"{op.name}: right.", [(count,)], [], passed=True)


def _failed(error: Exception, sample: Sample) -> CounterexampleError:
    """The counterexample for an error raised by a rule, or by what a rule must return: then its advice is the hint."""
    message = str(error).removeprefix("exercise: ")
    if message == str(error):
        return CounterexampleError(
            "\n".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", [])]), sample
        )
    what, _, advice = message.replace(f" of {sample.op.name}", "", 1).partition(". ")
    return CounterexampleError(f"{what[:1].upper()}{what[1:]}.", sample, hint=advice)


def _table(op: Primitive[Any], wrong: CounterexampleError) -> Answer:
    settings = "".join(f", {name}={value!r}" for name, value in wrong.sample.static.items())
    named = [*zip(map(wrong.sample.name_of, range(len(wrong.sample.inputs))), wrong.sample.inputs, strict=True)]
    named += [] if wrong.g is None else [("g", wrong.g)]
    lines = [f"with {', '.join(f'{name} = {_text(x)}' for name, x in named)}{settings}"]
    hint = wrong.hint or (LADDER[op.name].hint if op.name in LADDER else "")
    return Answer(
        f"{op.name}: not yet. {wrong}", wrong.cells, [*lines, *([f"Hint: {hint}"] if hint else [])], passed=False
    )


def _text(x: Any) -> str:
    return np.array2string(np.asarray(x) + 0.0, precision=4, separator=", ", threshold=30).replace("\n", "")


def _seed(z: Any) -> Any:
    return np.arange(2.0, 2.0 + z.size).reshape(z.shape)  # no 1, which a rule that forgets g would pass


def _first(sample: Sample, rules: Mapping[str, Any], samples: list[Sample]) -> None:
    """Raise if a rule fails on `sample`, or its result beside finite differences."""
    frozen = sample.map(lambda x: x.copy())
    z = frozen.apply()
    g = _seed(z)
    for x in (g, z, *frozen.inputs):
        x.flags.writeable = False
    for i, name in enumerate(sample.op.inputs):
        if name in rules:
            try:
                sample.op.rules[i](g, z, *frozen.inputs, **sample.settings)  # type: ignore[misc]
            except ValueError as error:
                if "read-only" not in str(error):
                    raise
                what = f"your rule for {name} writes into what it was given ({error})."
                raise CounterexampleError(what, sample, g, hint=_REST["inputs_stay_as_they_are"]) from error
    for name, report in _wrong_rows(sample, g, rules):
        what = f"The smallest case in which your rule for {name} fails:"
        larger = [s for s in samples if s.static == sample.static][-1]
        hints = [_diagnosis(name, _compared(s, _seed(s.apply())), s, rules[name]) for s in (larger, sample)]
        raise CounterexampleError(what, sample, g, _cells(report, rules), next(filter(None, hints), ""))


def _compared(sample: Sample, g: Any) -> Report:
    f, xs = sample.function()

    def weighted(*varied: Any) -> Any:
        return (f(*varied) * g).sum()

    weighted.names = f.names  # type: ignore[attr-defined]
    return check_gradients(weighted, *xs)


def _wrong_rows(sample: Sample, g: Any, rules: Mapping[str, Any]) -> Iterator[tuple[str, Report]]:
    report = _compared(sample, g)
    yield from ((row.name, report) for row in report if row.verdict != AGREES and row.name in rules)


def _cells(report: Report, rules: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (f"  {row.name}", _text(row.analytic), _text(row.numeric), row.verdict) for row in report if row.name in rules
    ]


def _second(sample: Sample, rules: Mapping[str, Any]) -> None:
    """Raise if the derivatives of the rules do not agree with finite differences."""
    report = check_gradients(*second_order(*sample.function()), entries=12, rtol=1e-4)
    wrong = [row for row in report if row.verdict != AGREES]
    if wrong:
        what = f"The smallest case in which the derivative of your gradient by {wrong[0].name} fails:"
        cells = [(f"  {row.name}", _text(row.analytic), _text(row.numeric), row.verdict) for row in report]
        raise CounterexampleError(what, sample, cells=cells, hint=_AGAIN)


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


def _diagnosis(name: str, report: Report, sample: Sample, rule: Any) -> str:
    """What the gradient of `name` looks like beside the right one; "" if it is right, or looks like nothing known."""
    row = report[name]
    if row.verdict == AGREES:
        return ""
    a, n = row.analytic, row.numeric
    values = dict(zip(map(sample.name_of, range(len(sample.inputs))), sample.inputs, strict=True))
    x, z = values[name], sample.apply()
    if not np.all(np.isfinite(a)):
        return f"Your gradient is {a[~np.isfinite(a)].flat[0]} somewhere: look for a division by 0."
    if _same(a, -n):
        return "The sign is wrong."
    g, static = _seed(z), sample.settings
    if _same(rule(g, z, *sample.inputs, **static), rule(2 * g, z, *sample.inputs, **static)):
        return "Your gradient does not change with g. By the chain rule, g is a factor of it."
    if a.ndim == 2 and a.shape[0] == a.shape[1] > 1 and _same(a, n.T):
        return "It looks transposed."
    other = next((r.name for r in report if r.name != name and r.numeric.shape == a.shape and _same(a, r.numeric)), "")
    if other and not _same(n, report[other].numeric):
        return f"This is the gradient of {other}."
    wrong = ~np.isclose(a, n, rtol=1e-4, atol=1e-6)
    if x.size > 1 and np.array_equal(wrong, x == 0):
        return f"It is wrong only where {name} is 0."
    for factor, v in {**values, "z": z, f"(1 - {name})": 1 - x, "(1 - z)": 1 - z}.items():
        fits = v.size > 1 and v.dtype.kind == "f" and v.shape == a.shape
        if fits and (_same(a * v, n) or _same(a, n * v)):
            return f"A factor {'is missing' if _same(a * v, n) else 'is too much'}: {factor}."
    ratio = n[a != 0] / a[a != 0]
    if a.size > 1 and ratio.size and _same(ratio, ratio[0]) and _same(a * ratio[0], n):
        return f"The right one is {ratio[0]:.4g} times yours, everywhere: a constant factor."
    return ""


def _same(a: Any, b: Any) -> bool:
    return bool(np.allclose(a, b, rtol=1e-4, atol=1e-6))
