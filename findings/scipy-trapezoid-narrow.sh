#!/usr/bin/env bash
# SciPy 1.17.1 (numpy 2.4.6).
# Guess: the integral of the constant 200 over two intervals is 400 by each of SciPy's rules, also where the samples are
# uint8.
# Behaviour: simpson and cumulative_simpson say 400; trapezoid, cumulative_trapezoid and romb add neighbours in uint8,
# where 200 + 200 is 144, and only romb warns. numpy.trapezoid does the same.
# Seen:
#   simpson              400.0
#   cumulative_simpson   400.0
#   trapezoid            144.0
#   cumulative_trapezoid 144.0
#   romb                 314.7
#   numpy.trapezoid      144.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import scipy
from scipy import integrate

print("scipy", scipy.__version__, "numpy", np.__version__)
samples, seen = np.full(3, 200, np.uint8), {}
for name in ("simpson", "cumulative_simpson", "trapezoid", "cumulative_trapezoid", "romb"):
    with np.errstate(over="ignore"):
        seen[name] = getattr(integrate, name)(samples)
    assert np.ravel(getattr(integrate, name)(samples.astype(float)))[-1] == 400
seen["numpy.trapezoid"] = np.trapezoid(samples)
seen = {name: round(float(np.ravel(value)[-1]), 1) for name, value in seen.items()}
for name, value in seen.items():
    print(f"{name:20} {value}")
assert list(seen.values()) == [400, 400, 144, 144, 314.7, 144], "the behaviour has changed"
PYTHON
