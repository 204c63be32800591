#!/usr/bin/env bash
# Numba 0.65.1 (numpy 2.4.6).
# Guess: a norm of a vector with a nan is nan in a compiled function, as it is in NumPy, and so is its largest element.
# Behaviour: np.linalg.norm(x, np.inf) and its like pass over the nan, and a gradient that has come to nothing seems to
# be small. The 2-norm is nan, and np.max as well.
# Seen, of [1, nan, 2]:
#   norm(x)       numpy nan  numba nan
#   norm(x, inf)  numpy nan  numba 2.0
#   norm(x, -inf) numpy nan  numba 1.0
#   max(x)        numpy nan  numba nan
#   max(abs(x))   numpy nan  numba nan
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 scipy==1.17.1 numba==0.65.1
"$folder/venv/bin/python" - <<'PYTHON'
import numba
import numpy as np

print("numba", numba.__version__, "numpy", np.__version__)
x = np.array([1.0, np.nan, 2.0])
functions = {
    "norm(x)": lambda x: np.linalg.norm(x),
    "norm(x, inf)": lambda x: np.linalg.norm(x, np.inf),
    "norm(x, -inf)": lambda x: np.linalg.norm(x, -np.inf),
    "max(x)": lambda x: np.max(x),
    "max(abs(x))": lambda x: np.max(np.abs(x)),
}
seen = {}
for name, f in functions.items():
    seen[name] = str(float(f(x))), str(float(numba.njit(f)(x)))
    print(f"{name:13} numpy {seen[name][0]}  numba {seen[name][1]}")
assert all(right == "nan" for right, _ in seen.values())
assert [other for _, other in seen.values()] == ["nan", "2.0", "1.0", "nan", "nan"], "the behaviour has changed"
PYTHON
