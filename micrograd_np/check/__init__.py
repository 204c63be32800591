"""Every derivative checked against finite differences: of a function, of a model, of a primitive."""

import sys as _sys

from micrograd_np.core.messages import explain_all_keywords as _explain_all_keywords
from micrograd_np.core.spellings import explain_names as _explain_names

from . import gradients as _gradients
from .gradients import GradcheckError, check_gradients, gradcheck, gradgradcheck
from .numeric import numeric_gradient
from .primitives import PrimitiveReport, check_primitive
from .report import Report

__all__ = [
    "GradcheckError", "PrimitiveReport", "Report", "check_gradients", "check_primitive", "gradcheck", "gradgradcheck",
    "numeric_gradient",
]  # fmt: skip

_explain_all_keywords(__all__, globals(), always=True)
_explain_names(globals())

for _former in ("assertions", "insist"):  # its former places, for old pickles
    _sys.modules[f"{__name__}.{_former}"] = _gradients
