"""micrograd_np: an autograd framework on NumPy that a newcomer can read and a practitioner can ship."""

import sys as _sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from numpy import bool_, float16, float32, float64, int8, int16, int32, int64, uint8

from .core import former as _former
from .core import primitive as _primitive
from .core.messages import explain_all_keywords as _explain_all_keywords
from .core.registry import registry as _registry
from .core.spellings import ForeignModules as _ForeignModules
from .core.spellings import suggestion as _suggestion
from .engine.constant import constant
from .engine.grad_mode import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .engine.tensor import Tensor, get_default_dtype, set_default_dtype
from .numpy_api.arrange import (
    concatenate,
    expand_dims,
    flatten,
    flip,
    moveaxis,
    pad,
    ravel,
    repeat,
    roll,
    split,
    squeeze,
    swapaxes,
    tile,
)
from .numpy_api.assembly import (
    append,
    array_split,
    atleast_1d,
    atleast_2d,
    atleast_3d,
    block,
    broadcast_arrays,
    column_stack,
    dsplit,
    dstack,
    fliplr,
    flipud,
    hsplit,
    hstack,
    meshgrid,
    rot90,
    unstack,
    vsplit,
    vstack,
)
from .numpy_api.cumulative import cumprod, cumsum, diff, prod
from .numpy_api.diagonal import diag, diagonal, trace, tril, triu
from .numpy_api.elementary import (
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    cbrt,
    ceil,
    cos,
    cosh,
    degrees,
    exp2,
    floor,
    floor_divide,
    fmod,
    hypot,
    log2,
    log10,
    logaddexp,
    radians,
    remainder,
    round,  # noqa: A004
    sin,
    sinh,
    tan,
    trunc,
)
from .numpy_api.order import all, any, argmax, argmin, argsort, sort, take, take_along_axis, topk  # noqa: A004
from .numpy_api.products import cross, dot, einsum, inner, kron, matvec, outer, tensordot, vdot, vecdot, vecmat
from .numpy_api.statistics import (
    average,
    median,
    nan_to_num,
    nanmax,
    nanmean,
    nanmin,
    nanprod,
    nansum,
    norm,
    percentile,
    ptp,
    quantile,
    std,
    var,
)
from .numpy_api.torch_names import add_methods as _add_methods
from .numpy_api.torch_names import (
    cat,
    chunk,
    clamp,
    expand,
    gather,
    index_add,
    index_select,
    masked_fill,
    numel,
    permute,
    scatter,
    scatter_add,
    unsqueeze,
)
from .ops.choice import clip, maximum, minimum, relu, where
from .ops.comparison import (
    bitwise_and,
    bitwise_or,
    bitwise_xor,
    equal,
    greater,
    greater_equal,
    invert,
    isfinite,
    isinf,
    isnan,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    not_equal,
)
from .ops.elementwise import absolute, add, divide, multiply, negative, reciprocal, sign, square, subtract
from .ops.elementwise import absolute as abs  # noqa: A004
from .ops.fused.softmax import log_softmax, logsumexp, softmax
from .ops.fused.special import erf, ndtr, xlogy
from .ops.linear import matmul
from .ops.reduce import max, mean, min, sum  # noqa: A004
from .ops.shape import broadcast_to, reshape, stack, transpose
from .ops.transcendental import exp, expm1, log, log1p, power, sigmoid, sqrt, tanh

if TYPE_CHECKING:
    from . import (
        autograd,
        check,
        compiler,
        creation,
        data,
        debug,
        distributed,
        exercises,
        functional,
        linalg,
        nn,
        optim,
        pictures,
        random,
        special,
        storage,
        training,
    )
    from . import onnx as onnx  # not in __all__, for it needs onnx
    from . import sklearn as sklearn  # nor this, for it needs scikit-learn
    from . import torch as torch  # nor this, for PyTorch itself has the name
    from .autograd import checkpoint
    from .autograd.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
    from .check import GradcheckError, check_gradients, check_primitive, gradcheck, gradgradcheck, numeric_gradient
    from .compiler import CompileError, compile, get_compile_backend, set_compile_backend  # noqa: A004
    from .creation import (
        arange,
        as_tensor,
        empty,
        eye,
        from_dlpack,
        from_numpy,
        full,
        full_like,
        linspace,
        ones,
        ones_like,
        tensor,
        zeros,
        zeros_like,
    )
    from .debug import NonfiniteError, detect_mutation, detect_nonfinite, trace_origins
    from .debug.explain import explain
    from .exercises.exercise import exercise
    from .nn.functional_call import functional_call
    from .nn.summary import summary
    from .nn.torch_source import to_torch_code
    from .pictures import Picture, draw, draw_boundary, draw_network, draw_steps
    from .random import manual_seed
    from .storage import CheckpointError
    from .storage.save import load, save
    from .training import History
    from .training.fit import fit
    from .training.lint import lint

__version__ = "0.1.0"

__all__ = [
    "CheckpointError", "CompileError", "GradcheckError", "History", "NonfiniteError", "Picture", "Tensor", "abs",
    "absolute", "add", "all", "any", "append", "arange", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2",
    "arctanh", "argmax", "argmin", "argsort", "array_split", "as_tensor", "atleast_1d", "atleast_2d", "atleast_3d",
    "autograd", "average", "bitwise_and", "bitwise_or", "bitwise_xor", "block", "bool_", "broadcast_arrays",
    "broadcast_to", "cat", "cbrt", "ceil", "check", "check_gradients", "check_primitive", "checkpoint", "chunk",
    "clamp", "clip", "column_stack", "compile", "compiler", "concatenate", "constant", "cos", "cosh", "creation",
    "cross", "cumprod", "cumsum", "data", "debug", "degrees", "detect_mutation", "detect_nonfinite", "diag", "diagonal",
    "diff", "distributed", "divide", "dot", "draw", "draw_boundary", "draw_network", "draw_steps", "dsplit", "dstack",
    "einsum", "empty", "enable_grad", "equal", "erf", "exercise", "exercises", "exp", "exp2", "expand", "expand_dims",
    "explain", "expm1", "eye", "fit", "flatten", "flip", "fliplr", "flipud", "float16", "float32", "float64", "floor",
    "floor_divide", "fmod", "from_dlpack", "from_numpy", "full", "full_like", "functional", "functional_call", "gather",
    "get_compile_backend", "get_default_dtype", "grad", "gradcheck", "gradgradcheck", "greater", "greater_equal",
    "hessian", "hsplit", "hstack", "hvp", "hypot", "index_add", "index_select", "inner", "int8", "int16", "int32",
    "int64", "invert", "is_grad_enabled", "isfinite", "isinf", "isnan", "jacobian", "jvp", "kron", "less", "less_equal",
    "linalg", "linspace", "lint", "load", "log", "log1p", "log2", "log10", "log_softmax", "logaddexp", "logical_and",
    "logical_not", "logical_or", "logical_xor", "logsumexp", "manual_seed", "masked_fill", "matmul", "matvec", "max",
    "maximum", "mean", "median", "meshgrid", "min", "minimum", "moveaxis", "multiply", "nan_to_num", "nanmax",
    "nanmean", "nanmin", "nanprod", "nansum", "ndtr", "negative", "nn", "no_grad", "norm", "not_equal", "numel",
    "numeric_gradient", "ones", "ones_like", "optim", "outer", "pad", "percentile", "permute", "pictures", "power",
    "prod", "ptp", "quantile", "radians", "random", "ravel", "reciprocal", "relu", "remainder", "repeat", "reshape",
    "roll", "rot90", "round", "save", "scatter", "scatter_add", "set_compile_backend", "set_default_dtype",
    "set_grad_enabled", "sigmoid", "sign", "sin", "sinh", "softmax", "sort", "special", "split", "sqrt", "square",
    "squeeze", "stack", "std", "storage", "subtract", "sum", "summary", "swapaxes", "take", "take_along_axis", "tan",
    "tanh", "tensor", "tensordot", "tile", "to_torch_code",
    "topk", "trace", "trace_origins", "training", "transpose", "tril", "triu", "trunc",
    "uint8", "unsqueeze", "unstack", "value_and_grad", "var", "vdot", "vecdot", "vecmat", "vjp", "vsplit", "vstack",
    "where", "xlogy", "zeros", "zeros_like",
]  # fmt: skip

# loaded on first use, so that importing the package costs little more than importing NumPy
_LATER = {
    "autograd": ("checkpoint",),
    "autograd.transforms": ("grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"),
    "check": ("GradcheckError", "check_gradients", "check_primitive", "gradcheck", "gradgradcheck", "numeric_gradient"),
    "compiler": ("CompileError", "compile", "get_compile_backend", "set_compile_backend"),
    "creation": (
        "arange", "as_tensor", "empty", "eye", "from_dlpack", "from_numpy", "full", "full_like", "linspace", "ones",
        "ones_like", "tensor", "zeros", "zeros_like",
    ),
    "data": (),
    "debug": ("NonfiniteError", "detect_mutation", "detect_nonfinite", "explain", "trace_origins"),
    "distributed": (),
    "exercises": ("exercise",),
    "functional": (),
    "linalg": (),
    "nn": (),
    "nn.functional_call": ("functional_call",),
    "nn.summary": ("summary",),
    "onnx": (),
    "optim": (),
    "random": ("manual_seed",),
    "special": (),
    "pictures": ("Picture", "draw", "draw_boundary", "draw_network", "draw_steps"),
    "storage": ("CheckpointError", "load", "save"),
    "training": ("History", "fit", "lint"),
    "sklearn": (),
    "torch": (),
    "nn.torch_source": ("to_torch_code",),
}  # fmt: skip
_HOMES = {name: module for module, names in _LATER.items() for name in names}

if not TYPE_CHECKING:  # a type checker would believe every name to exist

    def __getattr__(name: str) -> Any:
        """The part of the package of this name, or what a part exports under it; AttributeError if there is none."""
        if name in _LATER:
            return import_module(f".{name}", __name__)  # and is an attribute from then on
        if name not in _HOMES:
            message = f"micrograd_np has no {name!r}. {_suggestion(__name__, name, __dir__())}"
            raise AttributeError(message, name=name, obj=None)  # see `core.spellings.ForeignName`
        value = globals()[name] = getattr(import_module(f".{_HOMES[name]}", __name__), name)
        return value


_explain_all_keywords(__all__, globals())
_add_methods(Tensor, globals())
_former.install()
_registry.declare_rest = lambda: [
    import_module(f".{part}", __name__) for part in ("functional", "linalg", "random", "special")
]
# derived when read; until here, and so where a method copies it, an op's docstring is its kernel's
_primitive.describe = lambda op: import_module(".check.description", __name__).describe(op)
_sys.meta_path.append(_ForeignModules(__name__))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
