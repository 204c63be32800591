"""SciPy's functions: which of ours has the same meaning, and what to write for those that take arrays only.

SciPy is never imported here: its functions are recognised where the user's code has imported it.
"""

import sys
from itertools import takewhile
from types import FrameType, FunctionType

import numpy as np

_SAME = {
    "expit": "sigmoid", "log_expit": "log_sigmoid",
    "gammaln": "gammaln", "psi": "digamma", "digamma": "digamma",
    **{name: name for name in ("erf", "erfcx", "erfinv", "exp2", "expm1", "log1p")},
    **{name: name for name in ("log_ndtr", "ndtr", "ndtri", "xlogy")},
}  # fmt: skip
"""Functions of ``scipy.special``, and the primitives of the same meaning."""
_CHOLESKY = "mg.linalg.cholesky(a), which is lower"
_JACOBIAN = "f on arrays, and pass jac=mg.jacobian(f)"
_INSTEAD = {
    "erfc": "mg.special.erfc(t)", "logit": "mg.log(t / (1 - t))", "zeta": "mg.special.zeta(a, t)",
    **{name: f"mg.special.{name}(a, t)" for name in ("gammainc", "gammaincc")},
    "polygamma": "mg.special.polygamma(n, t)", "multigammaln": "mg.special.multigammaln(t, d)",
    **{f"{kind}v": f"mg.special.bessel_{kind}(t, order)" for kind in "jyik"},
    **{f"{kind}{n}": f"mg.special.bessel_{kind}(t, {n})" for kind in "jyik" for n in (0, 1)},
    **{f"{kind}{n}e": f"mg.special.bessel_{kind}(t, {n}, scaled=True)" for kind in "ik" for n in (0, 1)},
    "exp10": "10**t", "entr": "-mg.xlogy(t, t)", "rel_entr": "mg.xlogy(x, x / y)", "xlog1py": "x * mg.log1p(y)",
    "kl_div": "mg.xlogy(x, x / y) - x + y", "cosm1": "-2 * mg.sin(t / 2) ** 2",
    **{name: f"mg.{name}(t, axis)" for name in ("logsumexp", "softmax", "log_softmax")},
    "cdist": "mg.norm(a[:, None] - b, axis=-1)",
    "pdist": "mg.norm(a[i] - a[j], axis=-1), where i, j = np.triu_indices(len(a), 1)",
    "cho_factor": _CHOLESKY, "cholesky": _CHOLESKY, "inv": "mg.linalg.inv(a)", "det": "mg.linalg.det(a)",
    **dict.fromkeys(("cho_solve", "solve", "solve_triangular"), "mg.linalg.solve(a, b)"),
    **dict.fromkeys(("odeint", "solve_ivp"), "the steps as a loop, which docs/from-numpy.md shows"),
    "trapezoid": "((y[1:] + y[:-1]) / 2 * np.diff(x)).sum()",
    "minimize": "minimize(mg.value_and_grad(f), x0, jac=True)",
    "least_squares": _JACOBIAN, "root": _JACOBIAN, "fsolve": "f on arrays, and pass fprime=mg.jacobian(f)",
}  # fmt: skip
"""What to write for a function of SciPy, by its name."""


def primitive_of(ufunc: np.ufunc) -> str:
    """The name of the primitive that has the meaning of a function of ``scipy.special``; "" for any other."""
    return _SAME.get(ufunc.__name__, "") if name_of(ufunc).startswith("scipy.") else ""


def name_of(ufunc: np.ufunc) -> str:
    """The name under which NumPy or SciPy has `ufunc`."""
    for module, shown in (("numpy", "np"), ("scipy.special", "scipy.special")):
        if getattr(sys.modules.get(module), ufunc.__name__, None) is ufunc:
            return f"{shown}.{ufunc.__name__}"
    return ufunc.__name__


def instead_of(name: str) -> str:
    """What to write for SciPy's function `name`; "" where that is not known, and for a function of another library."""
    return _INSTEAD.get(name.rpartition(".")[2], "") if name.startswith("scipy.") else ""


def asking(frame: FrameType | None) -> str:
    """The public function of SciPy that was called last outside of SciPy and that `frame` is in; "" for none."""
    name = ""
    while frame is not None and (module := frame.f_globals.get("__name__", "")).startswith(("scipy.", "numpy.")):
        called = frame.f_code.co_qualname
        if "<locals>" in called:  # a decorator's function, which holds the one that it decorates
            held = [x for x in frame.f_locals.values() if isinstance(x, FunctionType)]
            theirs = ((x.__module__, x.__qualname__) for x in held if str(x.__module__).startswith("scipy."))
            module, called = next(theirs, (module, called))
        home = ".".join(takewhile(lambda part: part[0] != "_", module.split(".")))
        public = called[0] != "_" and hasattr(sys.modules.get(home), called.partition(".")[0])
        name = f"{home}.{called.removesuffix('.__init__')}" if public and module.startswith("scipy.") else name
        frame = frame.f_back
    return name
