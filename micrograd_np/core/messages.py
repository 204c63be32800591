"""Error messages in the user's words: the public function that was called, what an argument must be, other names."""

import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from dis import get_instructions, opname, stack_effect
from functools import lru_cache, wraps
from inspect import CO_VARARGS, CO_VARKEYWORDS, Signature, signature
from numbers import Integral
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Any, TypeVar

from numpy import asarray
from numpy import dtype as _dtype

F = TypeVar("F", bound="Callable[..., Any]")

_PACKAGE = __name__.partition(".")[0]
_PUBLIC = tuple(f"{_PACKAGE}.{name}" for name in ("ops.", "numpy_api.", "functional.", "creation"))
_PROTOCOLS = f"{_PACKAGE}.numpy_api.protocols"
_LAYERS = f"{_PACKAGE}.nn."
_INSIDE = (
    *(f"{_PACKAGE}.{name}" for name in ("core.errors", "core.primitive", "engine.tensor", "engine.in_place")),
    *_PUBLIC,
    _LAYERS,
    f"{_PACKAGE}.compiler.tracing",
    __name__,
)
_SAME = (
    ("axis", "dim", "dims", "axes"),
    ("keepdims", "keepdim"),
    ("ddof", "correction", "unbiased"),
    ("x", "input", "a", "m", "arr", "ary"),
    ("y", "other", "b"),
    ("num", "steps"),
    ("stop", "end"),
    ("ord", "p"),
    ("k", "diagonal"),
    ("shift", "shifts"),
    ("reps", "dims"),
    ("shape", "size"),
    ("reduction", "size_average", "reduce"),
    ("prefetch", "prefetch_factor"),
    ("enabled", "mode"),
    ("dtype", "d"),
    ("min_val", "min_value"),
    ("max_val", "max_value"),
    ("lr", "learning_rate"),
    ("validation", "validation_data"),
)
"""Names of one argument here, in PyTorch, NumPy and Keras."""
_NUMPYS = frozenset(("axis", "axes", "keepdims", "ddof", "x", "a", "m", "arr", "ary", "b", "y"))
_KERAS = frozenset(("learning_rate", "validation_data"))
_RENAMED = frozenset(("axis", "dim", "keepdims", "keepdim", "ddof", "x", "a", "m", "arr", "ary", "reduction"))
_LENIENT = frozenset((  # further functions whose keywords are known by other names, or that are called seldom
    "celu", "hardsigmoid", "relu6", "selu", "grad", "load", "clip_grad_norm_", "clip_grad_value_", "clone", "copy_",
    "rrelu", "threshold", "to", "embedding", "interpolate", "compile", "save", "set_default_dtype", "manual_seed",
    "constant", "summary", "functional_call", "to_torch_code",
))  # fmt: skip
_COMPILED = "mg.compile makes steps fast; leave it out"
_INERT = {
    "device": "there is one device; leave it out",
    "pin_memory": "there is one memory; leave it out",
    "non_blocking": "there is one memory; leave it out",
    "persistent_workers": "workers are threads; leave it out",
    "inplace": "a new tensor is returned; use the result",
    "map_location": "there is one device; leave it out",
    "pin_memory_device": "there is one memory; leave it out",
    **dict.fromkeys(("memory_format", "layout"), "functions take any layout; leave it out"),
    **dict.fromkeys(("multiprocessing_context", "worker_init_fn"), "workers are threads; leave it out"),
    "sparse": "gradients are dense; leave it out",
    "antialias": "nothing is smoothed before; leave it out",
    "dynamic": "each shape has a program of its own; leave it out",
    "timeout": "a batch is waited for; leave it out",
    "mmap": "arrays are read whole; leave it out",
    "options": "mode and backend are what can be chosen; leave it out",
    "disable": "call the function itself, without compile",
    "out": "use the result, or write it: t.copy_(result)",
    **dict.fromkeys(("weights_only", "enable_nested_tensor", "mask_check", "fullgraph", "in_order", "only_inputs"), ""),
    **dict.fromkeys(("pickle_module", "pickle_protocol"), "nothing is pickled; leave it out"),
    "is_grads_batched": "write mg.jacobian, or one call for each gradient",
    **dict.fromkeys(("foreach", "fused", "capturable", "differentiable"), _COMPILED),
}
"""PyTorch's arguments that choose nothing here, and what is said of another value than None, False or "cpu".

"" where every value is right."""

_NOT_IN_PLACE = " If inplace was meant: a new tensor is returned; use the result."
_ADVICE = {
    "transpose": " To exchange two axes, write swapaxes.",
    "where": " For the positions of what is true, write np.nonzero(condition).",
    "draw_boundary": " Inputs and targets are a pair: draw_boundary(model, (x, y)).",
    "alpha": " Write x + alpha * y.",
    "rounding_mode": " Write x // y, or mg.trunc(x / y).",
    "dtype": " Write t.astype(dtype), of an argument or of the result.",
    "descending": " Write mg.flip(mg.sort(t, axis), axis).",
    "size_average": ' Of False, write reduction="sum".',
    "copy": " For a copy, write .clone() of the result.",
    **dict.fromkeys(
        ("split_size", "split_size_or_sections"),
        " PyTorch's is the length of a part. Here it is how many parts there are, or where they begin: "
        "mg.split(x, range(n, len(x), n)) gives parts of n.",
    ),
    "reduce": ' A loss\'s reduce=False is reduction="none" here, and scatter\'s reduce="add" is scatter_add.',
    **dict.fromkeys(("relu", "elu", "leaky_relu", "hardtanh", "silu", "mish", "hardswish"), _NOT_IN_PLACE),
    **dict.fromkeys(("celu", "hardsigmoid", "relu6", "rrelu", "selu", "threshold"), _NOT_IN_PLACE),
}
"""What may have been meant by a call with too many or too few arguments, and by an unknown keyword."""


def caller(default: str = "") -> str:
    """The public function that the user has called: the outermost of the package on the stack, else `default`.

    It reads the stack, so it is for error messages only. Private names never appear.
    """
    name = default.lstrip("_")
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (module := frame.f_globals.get("__name__", "")).startswith(_INSIDE):
        called = frame.f_code.co_qualname
        if called == "Tensor.__setitem__":
            name = "setitem"
        elif called.startswith("Tensor.") and not called.startswith("Tensor._"):
            name = called[7:]
        elif called.endswith(".__init__") and module.startswith(_LAYERS):
            name = type(frame.f_locals["self"]).__name__
        elif called.isidentifier() and called[0] != "_" and module.startswith(_PUBLIC) and module != _PROTOCOLS:
            name = called
        frame = frame.f_back
    return name


def use_of_result(depth: int) -> tuple[str, int]:
    """The instruction that a caller is at, and its argument: what its line does with what it has asked for.

    `depth` counts as in ``sys._getframe``, from the function that asks.
    """
    frame = sys._getframe(depth + 1)
    code, at = frame.f_code.co_code, frame.f_lasti
    return opname[code[at]], code[at + 1]


DTYPE = "a dtype, such as 'float32' or int"
_FRAMEWORKS = {"torch": "PyTorch", "jax": "JAX", "jaxlib": "JAX", "tensorflow": "TensorFlow", "keras": "Keras"}

VALUES_ONLY = {"max": "t.argmax", "min": "t.argmin", "sort": "t.argsort", "median": "t.argsort"}
"""Functions that return values where PyTorch's, called with an axis, return values and positions; what gives these."""


@lru_cache(maxsize=256)
def _unpacked(code: CodeType, at: int) -> tuple[str, str]:
    """What `code` calls, by position alone, and unpacks into two at or right after the instruction `at`.

    The name of the method or of the attribute, and what the line has read before it: ("max", "out") for
    ``values, positions = out.max(1)``. Two empty names for anything else.
    """
    steps = [i for i in get_instructions(code) if i.opname not in _SKIPPED]
    last = max((k for k, i in enumerate(steps) if i.offset <= at), default=0)
    last += steps[last].opname == "CALL"
    if steps[last : last + 1] and (steps[last].opname, steps[last].arg) == ("UNPACK_SEQUENCE", 2):
        k = last - 1
        height = (steps[k].arg or 0) if steps[k].opname == "CALL" else -1  # of the arguments, above what is called
        k -= 1 + (steps[k - 1].opname == "PRECALL")
        while k > 0 and height > 0 and steps[k].opname != "KW_NAMES":
            height -= stack_effect(steps[k].opcode, steps[k].arg, jump=False)
            k -= 1
        k -= steps[k].opname == "PUSH_NULL"
        if height == 0 and steps[k].opname in ("LOAD_METHOD", "LOAD_ATTR"):
            return str(steps[k].argval), str(steps[k - 1].argval)
    return "", ""


_SKIPPED = ("CACHE", "EXTENDED_ARG", "NOT_TAKEN")


def warn_of_unpacking(depth: int) -> None:
    """Warn where a caller unpacks into two what one of `VALUES_ONLY` returns: values and positions may be meant.

    A call that names its axis, ``axis=0``, and one of NumPy's function mean the values. `depth` counts as in
    ``sys._getframe``, from the function that asks.
    """
    frame = sys._getframe(depth + 1)
    name, owner = _unpacked(frame.f_code, frame.f_lasti)
    if name in VALUES_ONLY and getattr(frame.f_globals.get(owner), "__name__", "") != "numpy":
        message = (
            f"{name} returns the values only, as in NumPy, and they are unpacked into two here. If values and "
            f"positions are meant, the positions are {VALUES_ONLY[name]}(axis). "
            f"If two rows of values are, name the axis: {name}(axis=0)."
        )
        warnings.warn(message, UserWarning, stacklevel=depth + 2)


def does_not_unpack(title: str) -> ValueError:
    """The error of unpacking a tensor of another length into two."""
    return ValueError(
        f"{title} does not unpack into two. If values and positions are meant: max, min, sort and median return the "
        f"values only, as in NumPy. The positions are t.argmax(axis) or t.argsort(axis)."
    )


def with_article(noun: str) -> str:
    """`noun` with its article, as it is read aloud: "a Tensor", "an int", "an ndarray", "an LSTM"."""
    spelt_out = noun[:2].isupper() or noun.startswith("nd")
    return f"{'an' if noun[:1].upper() in ('AEFHILMNORSX' if spelt_out else 'AEIO') else 'a'} {noun}"


def count_of(n: int, noun: str) -> str:
    """A number and what it counts: "1 node", "1,200 nodes", "2 axes"."""
    return f"{n:,} {noun if n == 1 else 'axes' if noun == 'axis' else f'{noun}s'}"


def describe_value(x: Any) -> str:
    """What `x` is, which stands where something else should: "an int", "'adam'", "the function step", or a class.

    What another framework made is called after it, since it may have the name of what is needed: "PyTorch's ReLU".
    """
    if isinstance(x, type):
        return f"the class {x.__name__}; make one of it: {x.__name__}(...)"
    if isinstance(x, (str, bool, type(None))):
        return repr(x)
    if isinstance(x, MethodType):
        return f"the method {x.__name__}; call it: {x.__name__}()"
    owner, name = _FRAMEWORKS.get(type(x).__module__.partition(".")[0]), getattr(x, "__name__", None)
    if owner is not None:
        return f"{owner}'s {type(x).__name__}"
    plain = isinstance(x, FunctionType) or (callable(x) and not hasattr(x, "__wrapped__"))  # no compiled step
    return f"the function {name}" if plain and isinstance(name, str) else with_article(type(x).__name__)


def must_be(function: str, name: str, requirement: str, value: str, advice: str = "") -> str:
    """The message of an error: the argument `name` of `function` does not meet the requirement. `advice` may follow."""
    return f"{function}: {name} must be {requirement}; found {value}.{advice and f' {advice}'}"


def as_dtype(x: Any) -> Any:
    """The dtype that `x`, an argument of this name, stands for; TypeError for what is none."""
    try:
        return _dtype(x)
    except TypeError:
        raise TypeError(must_be(caller("Tensor"), "dtype", DTYPE, f"{x!r:.80}")) from None


def array_from(x: Any, dtype: Any) -> Any:
    """`x` as an array, of the `dtype` if it is not None; ValueError for lists of several lengths, in our words."""
    try:
        return asarray(x, None if dtype is None else as_dtype(dtype))
    except ValueError as error:
        rows = " Rows must have one length." if "inhomogeneous" in str(error) else ""
        message = (
            f"{caller('Tensor')}: cannot make an array of this {type(x).__name__}: {str(error).rstrip('.')}.{rows}"
        )
        raise ValueError(message) from None


def require_type(function: str, name: str, x: Any, suits: bool, requirement: str) -> None:
    """Raise TypeError unless `x`, the argument `name` of `function`, suits."""
    if not suits:
        raise TypeError(must_be(function, name, requirement, describe_value(x)))


def require_value(function: str, name: str, x: Any, suits: bool, requirement: str) -> None:
    """Raise ValueError unless `x`, the argument `name` of `function`, suits."""
    if not suits:
        raise ValueError(must_be(function, name, requirement, f"{x!r:.80}"))


def require_choice(function: str, name: str, x: Any, *choices: Any) -> None:
    """Raise ValueError unless `x` is one of `choices`; TypeError if it is not of the type of any of them."""
    if any(isinstance(x, type(choice)) and x == choice for choice in choices):
        return
    *some, last = ['"auto"' if choice == "auto" else str(choice) for choice in choices]
    error = ValueError if isinstance(x, tuple({type(choice) for choice in choices})) else TypeError
    raise error(f"{function}: {name} is {x!r:.80}; choose {', '.join(some)} or {last}.")


def require_at_least(function: str, name: str, x: Any, least: int, requirement: str = "a whole number") -> None:
    """Raise TypeError unless `x`, the argument `name` of `function`, is an integer, and ValueError below `least`."""
    require_type(function, name, x, isinstance(x, Integral) and not isinstance(x, bool), requirement)
    if x < least:
        raise ValueError(f"{function}: {name} is {x}; it must be at least {least}.")


def other_names(names: Iterable[str], parameters: Iterable[str]) -> str:
    """A sentence for each of `names` that is one of `parameters` elsewhere, or spelt alike, with a space before it."""
    parameters = {name.lstrip("*"): None for name in parameters}
    sentences = []
    for name in names:
        ours = [other for group in _SAME if name in group for other in group if other in parameters and other != name]
        owner = "NumPy" if name in _NUMPYS else "Keras" if name in _KERAS else "PyTorch"
        if ours:
            sentences.append(f" {owner}'s {name} is {ours[0]} here.")
        elif name not in (*parameters, *_ADVICE) and (near := get_close_matches(name, parameters, 1)):
            sentences.append(f" Did you mean {near[0]}=?")
    return "".join(sentences)


def is_inert(value: Any) -> bool:
    """Whether `value`, of one of PyTorch's arguments that choose nothing here, asks for nothing."""
    return str(value) in ("None", "False", "cpu")


def require_nothing(name: str, arguments: tuple[Any, ...]) -> None:
    """Raise TypeError if a context manager, such as no_grad, is made with arguments."""
    for x in arguments[:1]:
        flag = " Write set_grad_enabled(flag)." if name.endswith("_grad") else ""
        advice = f" As a decorator, write @{name}()." if callable(x) else flag
        raise TypeError(f"{name}: takes no arguments; found {describe_value(x)}.{advice}")


def without_inert(function: str, named: Mapping[str, Any], accepted: Iterable[str]) -> dict[str, Any]:
    """`named` without PyTorch's arguments that choose nothing in `function`; ValueError where one asks for something.

    >>> without_inert("Linear", {"device": "cpu", "bias": False}, ["bias"])
    {'bias': False}
    """
    ignored = {key: value for key, value in named.items() if key in _INERT and key not in accepted}
    for key, value in ignored.items():
        if _INERT[key] and not is_inert(value) and (key, value) != ("timeout", 0):
            raise ValueError(f"{function}: {key}={value!r:.80}: {_INERT[key]}.")
    return {key: value for key, value in named.items() if key not in ignored}


def wrong_call(name: str, accepted: Signature, named: Mapping[str, Any], error: TypeError) -> TypeError:
    """The error of a call that Python refuses with `error`: it shows which arguments the public `name` takes."""
    bare = [p.replace(annotation=p.empty) for p in accepted.parameters.values() if p.name != "self"]
    advice = _advice(name, sorted(named.keys() - accepted.parameters.keys()))
    return TypeError(f"{name}{Signature(bare)}: {error}.{other_names(named, accepted.parameters)}{advice}")


def _advice(name: str, unknown: Iterable[str]) -> str:
    """What may have been meant by a call of `name` with `unknown` keywords, or without any."""
    if name in VALUES_ONLY and "dim" in unknown:
        return f" The values only are returned; the positions are {VALUES_ONLY[name]}(axis)."
    if "weight" in unknown and name.lower().endswith("loss"):
        return (
            ' For weights of elements, write (weight * losses).sum() / weight.sum(), of losses with reduction="none".'
        )
    return "".join(_ADVICE.get(key, "") for key in unknown or (name,))


def explain_keywords(function: F, *, always: bool = False) -> F:
    """`function` with a TypeError for unknown keywords that says what NumPy's and PyTorch's keywords are called here.

    So has one for too many positional arguments, which shows those it takes.

    A function without arguments of several names is returned as it is, unless `always`: what layers call costs nothing
    more.
    """
    code = function.__code__  # read here, since `inspect.signature` of all of them is a tenth of the import
    names = frozenset(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    most = sys.maxsize if code.co_flags & CO_VARARGS else code.co_argcount
    always = always or bool(names & _RENAMED) or function.__name__ in _LENIENT
    if not always or code.co_flags & CO_VARKEYWORDS:
        return function

    @wraps(function)
    def call(*args: Any, **named: Any) -> Any:
        try:
            return function(*args, **named) if named else function(*args)
        except TypeError:
            if len(args) <= most and named.keys() <= names:
                raise
        if not named.keys() <= names:  # nothing has run yet
            named = without_inert(function.__name__, named, names)
            if unknown := sorted(named.keys() - names):
                taken = signature(function).parameters.values()
                ours = [f"{'*' * (p.kind is p.VAR_POSITIONAL)}{p.name}" for p in taken if p.name != "self"]
                raise TypeError(
                    f"{function.__name__}: does not take {', '.join(f'{key}=' for key in unknown)}; its arguments are "
                    f"{', '.join(ours)}.{other_names(unknown, ours)}{_advice(function.__name__, unknown)}"
                )
        if len(args) > most:
            many = TypeError("too many positional arguments")
            raise wrong_call(function.__name__, signature(function), {}, many) from None
        return function(*args, **named)

    return call  # type: ignore[return-value]


def explain_all_keywords(names: Iterable[str], namespace: dict[str, Any], *, always: bool = False) -> None:
    """Apply `explain_keywords` to every plain function among `names` of `namespace`, and where it was defined as well.

    So it is one object wherever it is imported from, by pickle too. `always` is for what is called seldom.
    """
    for name in names:
        function = namespace.get(name)
        if not isinstance(function, FunctionType) or hasattr(function, "__wrapped__"):
            continue
        home, key = vars(sys.modules[function.__module__]), function.__name__
        current, wrapped = home.get(key), explain_keywords(function, always=always)
        if current is function:
            home[key] = namespace[name] = wrapped
        elif hasattr(current, "__wrapped__"):
            namespace[name] = current
