"""What every primitive promises, one function to a claim: it takes a `Sample`, and raises AssertionError if it fails.

The suite draws samples for every primitive of the package; `check_primitive` does for one of the user's own.
"""

import re
import string
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from micrograd_np.core.primitive import Primitive
from micrograd_np.engine.tensor import Tensor

from .functions import gradients, second_order, weighted_sum, weights
from .gradients import check_gradients
from .numeric import numeric_gradient
from .samples import Sample, contract, shape_from

_same_bits = partial(assert_array_equal, strict=True)
_close = partial(assert_allclose, rtol=1e-12, atol=1e-12, strict=True)

ARTICLE_STEP = 1e-4  # of the tutorial that the project starts from
_ENTRIES = 30  # of an input: enough to see a wrong pattern
_SECOND = 60  # of all inputs together, since each costs two walks; other samples check other ones


def declaration_is_complete(op: Primitive[Any]) -> None:
    """It has a docstring, a domain for every input, and a rule for every input that is not declared without one."""
    assert (op.kernel.__doc__ or "").strip(), f"{op.name} has no docstring"
    width = len(op.inputs) if not op.variadic else op.fixed + 1
    assert len(op.domain) >= width, (
        f"{op.name} has {len(op.inputs)} inputs and {len(op.domain)} domains; settings stand after a *"
    )
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
    count = len(cores[0]) if cores else op.fixed
    assert count >= op.fixed, f"{op.name}: its contract {op.shape!r} is for {count} inputs, and it has {len(op.inputs)}"


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
    """For the first of its examples, the result has the shape that the contract states, or that broadcasting makes."""
    if sample.static != sample.op.examples[0] or not sample.inputs:
        return
    cores = contract(sample.op)
    if cores is None:
        expected: tuple[int, ...] = np.broadcast_shapes(*(x.shape for x in sample.inputs))
    else:
        names = [length for core in cores[0] for length in core]
        lengths = dict(zip(names, (n for x in sample.inputs for n in x.shape), strict=True))
        if not all(length.isdigit() or length in lengths for length in cores[1]):
            return  # the inputs do not determine a length of the result
        expected = shape_from(cores[1], lengths)
    shape = np.shape(sample.apply())
    declared = sample.op.shape or "elementwise"
    assert shape == expected, f"{sample} has shape {shape}; its contract, {declared}, requires {expected}"


def gives_arrays(sample: Sample) -> None:
    """Arrays give an array (not a NumPy scalar, even 0-d), Tensors a Tensor, of the same bits."""
    on_arrays = sample.apply()
    assert type(on_arrays) is np.ndarray, f"{sample} gives {type(on_arrays).__name__}, not an array: pass out on"
    if sample.inputs:
        on_tensors = sample.map(Tensor).apply()
        assert isinstance(on_tensors, Tensor), f"{sample} of Tensors gives {type(on_tensors).__name__}"
        _same_bits(on_tensors.data, on_arrays, err_msg=f"{sample}: on Tensors and on arrays")


def gradient_agrees(sample: Sample) -> None:
    """Its derivative agrees with central differences, entry by entry."""
    f, xs = sample.function()
    if sample.smooth:
        report = check_gradients(f, *xs, entries=_ENTRIES)
        assert report, f"{report.complaint}\n{report}"


def second_derivative_agrees(sample: Sample) -> None:
    """Its second derivative agrees with central differences of the first."""
    f, xs = sample.function()
    if sample.smooth:
        entries = max(6, min(_ENTRIES, _SECOND // len(xs)))
        report = check_gradients(*second_order(f, xs), entries=entries, rtol=1e-4)
        assert report, f"{report.complaint}\n{report}"


def gradient_agrees_with_forward_differences(sample: Sample) -> None:
    """Its derivative is within half a step times the curvature of the forward difference with step 1e-4."""
    f, xs = sample.function()
    if not sample.smooth:
        return

    def differences(step: float) -> tuple[Any, ...]:
        slopes = numeric_gradient(lambda *inputs: weighted_sum(f(*inputs)), *xs, method="forward", step=step)
        return slopes if isinstance(slopes, tuple) else (slopes,)

    slopes = zip(sample.varied, _gradients(sample), differences(ARTICLE_STEP), differences(-ARTICLE_STEP), strict=True)
    for i, a, right, left in slopes:
        allowed = np.abs(right - left) + 1e-7 * (1 + np.abs(right))  # twice the expected error, and more than rounding
        wrong = np.abs((0.0 if a is None else a) - right) - allowed
        assert np.all(wrong <= 0), f"{sample}: input {i}: forward differences {right}, derivative {a}"


def rules_agree_on_arrays_and_tensors(sample: Sample) -> None:
    """Its rules give the same bits on arrays and on Tensors, where they are themselves recorded."""
    pairs = zip(sample.varied, _gradients(sample), _gradients(sample, create_graph=True), strict=False)
    for i, on_arrays, on_tensors in pairs:
        assert (on_arrays is None) == (on_tensors is None), f"{sample}: input {i} gets a gradient only one way"
        if on_arrays is not None:
            _same_bits(on_tensors, on_arrays, err_msg=f"{sample}: the gradient of input {i} on Tensors and on arrays")


def dtype_is_kept(sample: Sample) -> None:
    """float32 gives float32, in the result, in its value up to its resolution, and in every rule."""
    op, low = sample.op, sample.astype(np.float32)
    if "dtype" in op.statics or not any(x.dtype.kind == "f" for x in sample.inputs):
        return  # it has a dtype argument, or nothing to keep
    wide, narrow = sample.apply(), low.apply()
    if wide.dtype.kind != "f":
        assert narrow.dtype == wide.dtype, f"{sample} is {wide.dtype}, but {narrow.dtype} for float32"
        return
    assert wide.dtype == np.float64, f"{sample} is {wide.dtype}"
    assert narrow.dtype == np.float32, f"{sample} in float32 is {narrow.dtype}"
    scale = 1 + np.abs(wide).max(initial=0)
    assert np.abs(wide - narrow).max(initial=0) <= 1e-4 * scale, f"{sample} in float32 is {narrow}, in float64 {wide}"
    g = weights(narrow.shape).astype(np.float32)
    rules = op.rules_for(len(low.inputs))
    for i in sample.varied:
        if (rule := rules[i]) is not None:
            dtype = rule(g, narrow, *low.inputs, **sample.settings).dtype
            assert dtype == np.float32, f"{sample}: the rule for input {i} makes {dtype} of float32"


def layout_does_not_matter(sample: Sample) -> None:
    """Transposed, strided and reversed memory gives the same values and gradients."""
    expected, slopes = sample.apply(), _gradients(sample)
    for layout, change in _LAYOUTS.items():
        changed = sample.map(change)
        _close(changed.apply(), expected, err_msg=f"{sample} on {layout} memory")
        for i, g, h in zip(sample.varied, _gradients(changed), slopes, strict=False):
            if g is not None and h is not None:
                _close(g, h, err_msg=f"{sample}: the gradient of input {i} on {layout} memory")


_LAYOUTS: Mapping[str, Callable[[Any], Any]] = {
    "transposed": lambda x: x.T.copy(order="C").T,
    "strided": lambda x: np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x,
    "reversed": lambda x: np.flip(np.flip(x).copy()),
}


def inputs_stay_as_they_are(sample: Sample) -> None:
    """Neither kernel nor rules write into their inputs, and a result that is no view has memory of its own."""
    guarded = sample.map(lambda x: x.copy())
    for x in guarded.inputs:
        x.flags.writeable = False
    try:
        z = guarded.apply()
        _gradients(guarded)
    except ValueError as error:
        if "read-only" in str(error):
            raise AssertionError(f"{sample} writes into its input: {error}") from error
        raise
    if not sample.op.view:
        shared = [i for i, x in enumerate(guarded.inputs) if np.may_share_memory(x, z)]
        assert not shared, f"{sample}: the result shares memory with input {shared}; declare view=True, or copy"


def destination_does_not_matter(sample: Sample) -> None:
    """With a destination, the kernel returns the same bits as without, and a tensor that is written holds them."""
    kernel = sample.op.kernel
    fresh = kernel(np, ..., *sample.inputs, **sample.settings)
    out = np.full(fresh.shape, 7, fresh.dtype)  # leftovers that must not shine through
    target = Tensor(out.copy())
    written = kernel(np, out, *sample.inputs, **sample.settings)
    _same_bits(written, fresh, err_msg=f"{sample}: with a destination and without")
    sample.op.write(target, *sample.inputs, **sample.settings)
    _same_bits(target.data, fresh, err_msg=f"{sample}: written into a tensor and fresh")


def domain_is_silent(sample: Sample) -> None:
    """On its domain, neither it nor its rules warn, overflow or make nan."""
    with warnings.catch_warnings(action="error"), np.errstate(divide="raise", over="raise", invalid="raise"):
        try:
            z = sample.apply()
            slopes = _gradients(sample)
        except (FloatingPointError, Warning) as error:
            raise AssertionError(f"{sample} warns on its domain: {error}") from error
    if all(x.size for x in sample.inputs):
        assert np.all(np.isfinite(z)), f"{sample} is not finite on its domain: {z}"
        for i, g in zip(sample.varied, slopes, strict=False):
            assert g is None or np.all(np.isfinite(g)), f"{sample}: the gradient of input {i} is not finite: {g}"


def compiled_is_eager(sample: Sample) -> None:
    """A compiled step that applies it gives the bits of eager, in the result and in every gradient."""
    from micrograd_np import compiler

    if not sample.inputs:
        return  # what it draws is drawn anew in each call
    expected = _steps(sample, lambda step: step)
    try:
        compiled = _steps(sample, compiler.compile)
    except Exception as error:
        advice = "A kernel calls xp, never NumPy, and asks for no values; a rule uses operators and ops."
        raise AssertionError(f"{sample} cannot be compiled: {str(error).rstrip('.')}. {advice}") from error
    for x, y in zip(compiled, expected, strict=True):
        _same_bits(x, y, err_msg=f"{sample}: compiled and eager")


def _steps(sample: Sample, wrap: Callable[[Any], Any]) -> list[Any]:
    """What two steps leave behind: the result, and the gradients of its weighted sum."""
    settings, seed = sample.settings, weights(np.shape(sample.apply()))
    leaves = [Tensor(x.copy(), requires_grad=sample.smooth and i in sample.varied) for i, x in enumerate(sample.inputs)]
    varied = [x for x in leaves if x.requires_grad]

    def apply(seed: Any) -> Any:
        for x in varied:
            x.zero_grad()
        z = sample.op(*leaves, **settings)
        if varied:
            z.backward(seed)
        return z

    step = wrap(apply)
    return [x.copy() for _ in range(2) for x in (step(seed).data, *(x.grad.data for x in varied if x.grad is not None))]


DECLARED: Mapping[str, Callable[[Primitive[Any]], None]] = {
    f.__name__: f for f in (declaration_is_complete, label_formats)
}
"""Claims about the declaration itself."""

CLAIMS: Mapping[str, Callable[[Sample], None]] = {
    f.__name__: f for f in (
        contract_holds, gives_arrays, gradient_agrees, gradient_agrees_with_forward_differences,
        second_derivative_agrees, rules_agree_on_arrays_and_tensors, dtype_is_kept, layout_does_not_matter,
        inputs_stay_as_they_are, destination_does_not_matter, domain_is_silent, compiled_is_eager,
    )
}  # fmt: skip
"""Claims about an application, tried on many samples."""


def _gradients(sample: Sample, *, create_graph: bool = False) -> list[Any]:
    """The gradients of the weighted sum of the result by the inputs that have a derivative; none for a discrete op."""
    if not sample.smooth:
        return []
    f, xs = sample.function()
    leaves = [Tensor(x, requires_grad=True) for x in xs]
    slopes = gradients(weighted_sum(f(*leaves)), leaves, create_graph=create_graph)
    return [None if g is None else g.data for g in slopes]
