"""Every derivative checked against finite differences: of a function, of a model, of a primitive."""

import sys as _sys

from . import gradients as _gradients
from .gradients import GradcheckError, check_gradients, gradcheck, gradgradcheck
from .numeric import numeric_gradient
from .primitives import PrimitiveReport, check_primitive
from .report import Report

__all__ = [
    "GradcheckError", "PrimitiveReport", "Report", "check_gradients", "check_primitive", "gradcheck", "gradgradcheck",
    "numeric_gradient",
]  # fmt: skip

for _former in ("assertions", "insist"):  # its former places, for old pickles
    _sys.modules[f"{__name__}.{_former}"] = _gradients
