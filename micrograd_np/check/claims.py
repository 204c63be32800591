"""What every primitive promises, one function to a claim: it takes a `Sample`, and raises AssertionError if it fails.

The suite draws samples for every primitive of the package; `check_primitive` for one of the user's own.
"""

from __future__ import annotations

import re
import string
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from micrograd_np.core.primitive import Primitive
from micrograd_np.engine.tensor import Tensor

from .analytic import gradients, irregular, weighed
from .gradients import check_gradients
from .insist import second_order
from .numeric import numeric_gradient
from .report import Report
from .samples import Sample, bound, contract

ARTICLE_STEP = 1e-4  # of the tutorial that the project starts from
_ENTRIES = 30  # of an input: enough to see a pattern that is wrong
_SECOND = 60  # of all inputs together, since each costs two walks; other samples look at other ones


def declaration_is_complete(op: Primitive[Any]) -> None:
    """It has a docstring, a domain for every input, and a rule for every input that is not declared without one."""
    assert (op.__doc__ or "").strip(), f"{op.name} has no docstring"
    width = len(op.inputs) if not op.variadic else op.fixed + 1
    assert len(op.domain) >= width, f"{op.name} has {len(op.inputs)} inputs and {len(op.domain)} domains"
    for name, rule in zip(op.inputs, op.rules, strict=True):
        assert not hasattr(rule, "missing"), (
            f"{op.name}: {name} has neither a rule, {op.name}.vjp({name}=...), nor is it declared not_differentiable"
        )
    for static in op.examples:
        unknown = set(static) - set(op.statics)
        assert not unknown, f"{op.name}: an example sets {', '.join(sorted(unknown))}, which it does not have"
        unset = set(op.statics) - set(op.defaults) - set(static)
        assert not unset, f"{op.name}: an example leaves {', '.join(sorted(unset))} open, which has no default"
    cores = contract(op)
    fixed, given = op.fixed, len(cores[0]) if cores else op.fixed
    assert given >= fixed, f"{op.name}: its contract {op.shape!r} is for {given} inputs, and it has {len(op.inputs)}"


def label_formats(op: Primitive[Any]) -> None:
    """Its label is not empty, names only inputs and static parameters, and formats."""
    assert op.label.strip(), f"{op.name} has no label"
    fields = {field for _, field, _, _ in string.Formatter().parse(op.label) if field is not None}
    unknown = {re.split(r"[.\[]", field)[0] for field in fields} - set(op.inputs) - set(op.statics)
    assert not unknown, f"{op.name}: its label {op.label!r} names {', '.join(sorted(unknown))}, which it does not have"
    for static in op.examples:
        text = op.label.format(**dict.fromkeys(op.inputs, "x"), **{**op.defaults, **static})
        assert text.strip(), f"{op.name}: its label is empty for {static}"


def contract_holds(sample: Sample) -> None:
    """For the first of its examples, the result has the shape that the contract says, or that broadcasting makes."""
    if sample.static != sample.op.examples[0] or not sample.inputs:
        return
    found = np.shape(sample.apply())
    cores = contract(sample.op)
    if cores is None:
        expected: tuple[int, ...] = np.broadcast_shapes(*(x.shape for x in sample.inputs))
    else:
        names = [length for core in cores[0] for length in core]
        lengths = dict(zip(names, (n for x in sample.inputs for n in x.shape), strict=True))
        if not all(length.isdigit() or length in lengths for length in cores[1]):
            return  # a length of the result that the inputs do not tell
        expected = bound(cores[1], lengths)
    says = sample.op.shape or "elementwise"
    assert found == expected, f"{sample} has shape {found}; its contract, {says}, wants {expected}"


def gives_arrays(sample: Sample) -> None:
    """Arrays give an array (not a NumPy scalar, even 0-d), Tensors a Tensor, of the same bits."""
    plain = sample.apply()
    assert type(plain) is np.ndarray, f"{sample} gives {type(plain).__name__}, not an array"
    if not sample.inputs:
        return
    lifted = sample.map(Tensor).apply()
    assert isinstance(lifted, Tensor), f"{sample} of Tensors gives {type(lifted).__name__}"
    _same_bits(lifted.data, plain, f"{sample}: on Tensors and on arrays")


def gradient_agrees(sample: Sample) -> None:
    """Its derivative agrees with central differences, entry by entry."""
    f, xs = _of_varied(sample)
    if _smooth(sample):
        _insist(check_gradients(f, *xs, entries=_ENTRIES))


def second_derivative_agrees(sample: Sample) -> None:
    """Its second derivative agrees with central differences of the first."""
    f, xs = _of_varied(sample)
    if _smooth(sample):
        entries = max(6, min(_ENTRIES, _SECOND // max(1, len(xs))))
        _insist(check_gradients(*second_order(f, xs), entries=entries, rtol=1e-4))


def gradient_agrees_with_forward_differences(sample: Sample) -> None:
    """Its derivative is within half a step times the curvature of the forward difference with step 1e-4."""
    f, xs = _of_varied(sample)
    if not xs or _discrete(sample):
        return

    def scalar(*inputs: Any) -> Any:
        return weighed(f(*inputs))

    leaves = [Tensor(x, requires_grad=True) for x in xs]
    analytic = gradients(scalar(*leaves), leaves)
    forward = _tuple(numeric_gradient(scalar, *xs, method="forward", step=ARTICLE_STEP))
    backward = _tuple(numeric_gradient(scalar, *xs, method="forward", step=-ARTICLE_STEP))
    for i, a, right, left in zip(sample.varied, analytic, forward, backward, strict=True):
        allowed = np.abs(right - left) + 1e-7 * (1 + np.abs(right))  # twice the expected error, and more than rounding
        wrong = np.abs((0.0 if a is None else a) - right) - allowed
        assert np.all(wrong <= 0), f"{sample}: input {i}: forward differences {right}, derivative {a}"


def rules_agree_on_arrays_and_tensors(sample: Sample) -> None:
    """Its rules give the same bits on arrays and on Tensors, where they are themselves recorded."""
    if not _smooth(sample):
        return
    results = []
    for create_graph in (False, True):
        leaves, z = _on_leaves(sample)
        found = gradients(weighed(z), leaves, create_graph=create_graph)
        results.append([None if g is None else np.asarray(g.data if isinstance(g, Tensor) else g) for g in found])
    for i, plain, lifted in zip(sample.varied, *results, strict=True):
        assert (plain is None) == (lifted is None), f"{sample}: input {i} gets a gradient only one way"
        if plain is not None and lifted is not None:
            _same_bits(lifted, plain, f"{sample}: the gradient of input {i} on Tensors and on arrays")


def dtype_is_kept(sample: Sample) -> None:
    """float32 gives float32, in the result, in its value up to its resolution, and in every rule."""
    if "dtype" in sample.op.statics or not any(x.dtype.kind == "f" for x in sample.inputs):
        return  # it was told, or has nothing to keep
    wide, narrow = sample.apply(), sample.astype(np.float32).apply()
    if wide.dtype.kind != "f":
        assert narrow.dtype == wide.dtype, f"{sample} is {wide.dtype}, but {narrow.dtype} for float32"
        return
    assert wide.dtype == np.float64, f"{sample} is {wide.dtype}"
    assert narrow.dtype == np.float32, f"{sample} in float32 is {narrow.dtype}"
    scale = 1 + np.abs(wide).max(initial=0)
    assert np.abs(wide - narrow).max(initial=0) <= 1e-4 * scale, f"{sample} in float32 is {narrow}, in float64 {wide}"
    if not _smooth(sample):
        return
    low = sample.astype(np.float32)
    g = irregular(narrow.shape).astype(np.float32)
    op = sample.op
    for i in sample.varied:
        rule = op.rules[min(i, len(op.rules) - 1)]
        if rule is not None:
            where = (i - op.fixed,) if op.variadic and i >= op.fixed else ()
            found = rule(*where, g, narrow, *low.inputs, **sample.settings)
            assert found.dtype == np.float32, f"{sample}: the rule for input {i} makes {found.dtype} of float32"


def layout_does_not_matter(sample: Sample) -> None:
    """Transposed, strided and reversed memory gives the same values and gradients."""
    expected = sample.apply()
    before = _pulled(sample)
    for change in (_transposed, _strided, _reversed):
        changed = sample.map(change)
        _close(changed.apply(), expected, f"{sample} on {change.__name__[1:]} memory")
        for i, g, known in zip(sample.varied, _pulled(changed), before, strict=False):
            if g is not None and known is not None:
                _close(g, known, f"{sample}: the gradient of input {i} on {change.__name__[1:]} memory")


def inputs_stay_as_they_are(sample: Sample) -> None:
    """Neither kernel nor rules write into their inputs, and a result that is no view has memory of its own."""
    guarded = sample.map(_read_only)
    try:
        z = guarded.apply()
        _pulled(guarded)
    except ValueError as error:
        if "read-only" in str(error):
            message = f"{sample} writes into its input: {error}"
            raise AssertionError(message) from error
        raise
    if not sample.op.view:
        shared = [i for i, x in enumerate(guarded.inputs) if np.may_share_memory(x, z)]
        assert not shared, f"{sample}: the result shares memory with input {shared}; declare view=True, or copy"


def destination_does_not_matter(sample: Sample) -> None:
    """Given a destination, the kernel returns the same bits as without one, and a tensor written to holds them."""
    kernel = sample.op.kernel
    fresh = kernel(np, ..., *sample.inputs, **sample.settings)
    out = np.full(fresh.shape, 7, fresh.dtype)  # leftovers that must not shine through
    found = kernel(np, out, *sample.inputs, **sample.settings)
    _same_bits(found, fresh, f"{sample}: with a destination and without")
    target = Tensor(np.full(fresh.shape, 7, fresh.dtype))
    sample.op.write(target, *sample.inputs, **sample.settings)
    _same_bits(target.data, fresh, f"{sample}: written into a tensor and fresh")


def domain_is_silent(sample: Sample) -> None:
    """On its domain, neither it nor its rules warn, overflow or make nan."""
    with _strict(), np.errstate(divide="raise", over="raise", invalid="raise"):
        try:
            z = sample.apply()
            found = _pulled(sample)
        except (FloatingPointError, Warning) as error:
            message = f"{sample} warns on its domain: {error}"
            raise AssertionError(message) from error
    if all(x.size for x in sample.inputs):
        assert np.all(np.isfinite(z)), f"{sample} is not finite on its domain: {z}"
        for i, g in zip(sample.varied, found, strict=False):
            assert g is None or np.all(np.isfinite(g)), f"{sample}: the gradient of input {i} is not finite: {g}"


DECLARED: Mapping[str, Callable[[Primitive[Any]], None]] = {
    f.__name__: f for f in (declaration_is_complete, label_formats)
}
"""Claims about the declaration itself."""

CLAIMS: Mapping[str, Callable[[Sample], None]] = {
    f.__name__: f
    for f in (
        contract_holds,
        gives_arrays,
        gradient_agrees,
        gradient_agrees_with_forward_differences,
        second_derivative_agrees,
        rules_agree_on_arrays_and_tensors,
        dtype_is_kept,
        layout_does_not_matter,
        inputs_stay_as_they_are,
        destination_does_not_matter,
        domain_is_silent,
    )
}
"""Claims about an application, tried on many samples."""


def _of_varied(sample: Sample) -> tuple[Callable[..., Any], list[Any]]:
    """The op as a function of the inputs that have a derivative, and those inputs."""
    places = sample.varied

    def f(*varied: Any) -> Any:
        inputs = list(sample.inputs)
        for i, x in zip(places, varied, strict=True):
            inputs[i] = x
        return sample.apply(*inputs)

    names = [sample.op.inputs[min(i, len(sample.op.inputs) - 1)] for i in places]
    f.__name__ = str(sample)
    f.names = names  # type: ignore[attr-defined]
    return f, [sample.inputs[i] for i in places]


def _insist(report: Report) -> None:
    assert report, f"{report.complaint}\n{report}"


def _discrete(sample: Sample) -> bool:
    return sample.apply().dtype.kind != "f"


def _smooth(sample: Sample) -> bool:
    return bool(sample.varied) and not _discrete(sample)


def _on_leaves(sample: Sample) -> tuple[list[Tensor], Any]:
    """Fresh leaves for the inputs that have a derivative, and the op applied to them."""
    f, xs = _of_varied(sample)
    leaves = [Tensor(x, requires_grad=True) for x in xs]
    return leaves, f(*leaves)


def _pulled(sample: Sample) -> list[Any]:
    """The gradients of the weighed result by those inputs."""
    if not _smooth(sample):
        return []
    leaves, z = _on_leaves(sample)
    return gradients(weighed(z), leaves)


def _tuple(x: Any) -> tuple[Any, ...]:
    return x if isinstance(x, tuple) else (x,)


def _same_bits(found: Any, expected: Any, what: str) -> None:
    assert found.shape == expected.shape, f"{what}: {found.shape} and {expected.shape}"
    assert found.dtype == expected.dtype, f"{what}: {found.dtype} and {expected.dtype}"
    equal = np.array_equal(found, expected, equal_nan=expected.dtype.kind == "f")
    assert equal, f"{what}: {found} and {expected}"


def _close(found: Any, expected: Any, what: str) -> None:
    assert found.shape == expected.shape, f"{what}: {found.shape} and {expected.shape}"
    assert np.allclose(found, expected, rtol=1e-12, atol=1e-12, equal_nan=True), f"{what}: {found} and {expected}"


def _read_only(x: Any) -> Any:
    x = x.copy()
    x.flags.writeable = False
    return x


def _transposed(x: Any) -> Any:
    return x.T.copy(order="C").T


def _strided(x: Any) -> Any:
    wide = np.repeat(x, 2, axis=-1) if x.ndim else x
    return wide[..., ::2] if x.ndim else x


def _reversed(x: Any) -> Any:
    return np.flip(np.flip(x).copy())


def _strict() -> AbstractContextManager[Any]:
    return warnings.catch_warnings(action="error")
