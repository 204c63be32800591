"""Every derivative checked against finite differences: of a function, of a model, of a primitive."""

import sys as _sys

from . import assertions as _assertions
from .assertions import GradcheckError, gradcheck, gradgradcheck
from .gradients import check_gradients
from .numeric import numeric_gradient
from .primitives import PrimitiveReport, check_primitive
from .report import Report

__all__ = [
    "GradcheckError",
    "PrimitiveReport",
    "Report",
    "check_gradients",
    "check_primitive",
    "gradcheck",
    "gradgradcheck",
    "numeric_gradient",
]

_sys.modules[f"{__name__}.insist"] = _assertions  # its former place, for old pickles
