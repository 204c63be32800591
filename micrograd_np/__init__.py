"""micrograd_np: an autograd framework on NumPy that a newcomer can read and a practitioner can ship."""

__version__ = "0.1.0"

from . import allocation as _allocation  # before anything large is made
from . import autograd, data, debug, functional, linalg, nn, optim, random, training
from .autograd import checkpoint
from .autograd.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from .check import GradcheckError, check_gradients, check_primitive, gradcheck, gradgradcheck, numeric_gradient
from .compiler import CompileError, compile  # noqa: A004
from .constant import constant
from .debug import NonfiniteError, detect_mutation, detect_nonfinite, explain, trace_origins
from .grad_mode import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .nn.functional_call import functional_call
from .ops.arrange import (
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
from .ops.choice import clip, maximum, minimum, relu, where
from .ops.comparison import (
    equal,
    greater,
    greater_equal,
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
from .ops.cumulative import cumprod, cumsum
from .ops.diagonal import diag, diagonal, trace, tril, triu
from .ops.elementwise import absolute as abs  # noqa: A004
from .ops.elementwise import absolute, add, divide, multiply, negative, reciprocal, sign, square, subtract, zeros_like
from .ops.hyperbolic import arccosh, arcsinh, arctanh, cosh, sinh
from .ops.index import take, take_along_axis
from .ops.linear import matmul
from .ops.order import argsort, sort, topk
from .ops.products import dot, einsum, inner, outer, tensordot
from .ops.reduce import log_softmax, logsumexp, max, mean, min, prod, softmax, sum  # noqa: A004
from .ops.rounding import ceil, floor, round, trunc  # noqa: A004
from .ops.searching import all, any, argmax, argmin  # noqa: A004
from .ops.shape import broadcast_to, reshape, stack, transpose
from .ops.special import erf, xlogy
from .ops.statistics import norm, std, var
from .ops.transcendental import cbrt, exp, exp2, expm1, log, log10, log1p, log2, logaddexp, power, sigmoid, sqrt, tanh
from .ops.trigonometric import arccos, arcsin, arctan, arctan2, cos, hypot, sin, tan
from .pictures import Picture, draw
from .storage import CheckpointError, load, save
from .tensor import Tensor, from_dlpack, get_default_dtype, set_default_dtype
from .training import History, fit, lint
