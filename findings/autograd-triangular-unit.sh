#!/usr/bin/env bash
# autograd 1.9.1 (numpy 2.4.6, scipy 1.17.1).
# Guess: solve_triangular with unit_diagonal=True has a gradient that takes the diagonal for 1, too.
# Behaviour: the value takes the diagonal for 1, and the gradient divides by the numbers that stand there; nothing says
# that the argument is not supported.
# Seen, for [[2, 0], [1, 4]] and the right-hand side [1, 3], weights 1 and 2:
#   unit_diagonal=False  value [0.5, 0.625]  gradient [0.25, 0.5]  finite differences [0.25, 0.5]
#   unit_diagonal=True   value [1.0, 2.0]  gradient [0.25, 0.5]  finite differences [-1.0, 2.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 scipy==1.17.1 autograd==1.9.1
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import autograd.numpy as np
from autograd import grad
from autograd.scipy.linalg import solve_triangular

print("autograd", version("autograd"))
a, b, weights, step = np.array([[2.0, 0.0], [1.0, 4.0]]), np.array([1.0, 3.0]), np.array([1.0, 2.0]), 1e-6
seen = []
for unit in (False, True):

    def solved(b):
        return solve_triangular(a, b, lower=True, unit_diagonal=unit)

    def f(b):
        return np.sum(solved(b) * weights)

    gradient = grad(f)(b).tolist()
    differences = [round(float(f(b + step * e) - f(b - step * e)) / (2 * step), 6) for e in np.eye(2)]
    value = solved(b).tolist()
    print(f"unit_diagonal={unit!s:5}  value {value}  gradient {gradient}  finite differences {differences}")
    seen.append((gradient, differences))
assert seen == [([0.25, 0.5], [0.25, 0.5]), ([0.25, 0.5], [-1, 2])], "the behaviour has changed"
PYTHON
