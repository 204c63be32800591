"""Every derivative checked against finite differences: of a function, of a model, of a primitive."""

from .gradients import GradcheckError, check_gradients, gradcheck, gradgradcheck
from .numeric import numeric_gradient
from .primitives import PrimitiveReport, check_primitive
from .report import Report

__all__ = [
    "GradcheckError", "PrimitiveReport", "Report", "check_gradients", "check_primitive", "gradcheck", "gradgradcheck",
    "numeric_gradient",
]  # fmt: skip
