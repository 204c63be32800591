#!/usr/bin/env bash
# SciPy 1.17.1 (numpy 2.4.6).
# Guess: scipy.linalg.norm(x, axis=0) of a vector is scipy.linalg.norm(x).
# Behaviour: without an axis it scales, and neither overflows nor underflows; with an axis, or with a matrix, it squares
# as numpy.linalg.norm does: the norm of large numbers is infinite, and that of small numbers 0.
# Seen:
#   [1e+200, 1e+200]: norm 1.414e+200, with axis=0 inf, as a matrix inf
#   [1e-200, 1e-200]: norm 1.414e-200, with axis=0 0.000e+00, as a matrix 0.000e+00
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import scipy
from scipy.linalg import norm

print("scipy", scipy.__version__, "numpy", np.__version__)
for value, lost in ((1e200, np.inf), (1e-200, 0.0)):
    x = np.full(2, value)
    with np.errstate(all="ignore"):
        plain, along, matrix = norm(x), norm(x, axis=0), norm(x[None])
    print(f"[{value:.0e}, {value:.0e}]: norm {plain:.3e}, with axis=0 {along:.3e}, as a matrix {matrix:.3e}")
    assert np.isclose(plain / value, np.sqrt(2)) and along == lost == matrix, "the behaviour has changed"
PYTHON
