"""Every derivative checked against finite differences: of a function, of a model, of a primitive."""

from .gradients import GradcheckError, check_gradients, gradcheck, gradgradcheck
from .numeric import numeric_gradient
from .report import Report

__all__ = ["GradcheckError", "Report", "check_gradients", "gradcheck", "gradgradcheck", "numeric_gradient"]
