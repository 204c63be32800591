"""Special functions under SciPy's names, which computes most of them: ``mg.special.gammaln(x)``.

``pip install 'micrograd_np[scipy]'`` brings it; `erf`, `erfc`, `ndtr` and `xlogy` do without.
"""

# isort: off
from .core.messages import explain_all_keywords as _explain_all_keywords
from .core.spellings import explain_names as _explain_names
from .ops.fused.scipy_special import (
    bessel_i, bessel_j, bessel_k, bessel_y, digamma, erfc, erfcx, erfinv, gammainc, gammaincc, gammaln, log_ndtr,
    multigammaln, ndtri, polygamma, zeta,
)  # fmt: skip
from .ops.fused.special import erf, ndtr, xlogy

__all__ = [
    "bessel_i", "bessel_j", "bessel_k", "bessel_y", "digamma", "erf", "erfc", "erfcx", "erfinv", "gammainc",
    "gammaincc", "gammaln", "log_ndtr", "multigammaln", "ndtr", "ndtri", "polygamma", "xlogy", "zeta",
]  # fmt: skip

_explain_all_keywords(__all__, globals())
_explain_names(globals())
