#!/usr/bin/env bash
# SciPy 1.17.1 (numpy 2.4.6).
# Guess: minimize works in float64 whatever the start is, or says that float32 is too coarse for it.
# Behaviour: a float32 start reaches the function as float32.
# Seen:
#   dtypes that the function received: float32
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import scipy
from scipy.optimize import minimize

print("numpy", np.__version__, "scipy", scipy.__version__)
seen = set()


def f(x):
    seen.add(str(x.dtype))
    return ((x - 1) ** 2).sum()


minimize(f, np.zeros(2, np.float32), method="BFGS")
print("dtypes that the function received:", *sorted(seen))
assert "float32" in seen, "the behaviour has changed"
PYTHON
