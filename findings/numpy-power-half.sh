#!/usr/bin/env bash
# NumPy 2.4.6.
# Guess: np.power(x, 0.5) is what IEEE 754 says of a power, and the same whether 0.5 is a number or an array of it.
# Behaviour: the number, or an array of one element, makes it a square root: -inf gives nan instead of inf, and -0.0
# stays -0.0 instead of 0.0. Python's own ** and a NumPy scalar to the power of a number follow IEEE 754.
# Seen, of -inf and -0.0:
#   np.power(x, 0.5)        [nan, -0.0]
#   np.power(x, [0.5])      [nan, -0.0]
#   np.power(x, [0.5, 0.5]) [inf, 0.0]
#   x ** 0.5                [nan, -0.0]
#   each float ** 0.5       [inf, 0.0]
#   each np.float64 ** 0.5  [inf, 0.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np

print("numpy", np.__version__)
x = np.array([-np.inf, -0.0])
with np.errstate(invalid="ignore"):
    seen = {
        "np.power(x, 0.5)": np.power(x, 0.5),
        "np.power(x, [0.5])": np.power(x, [0.5]),
        "np.power(x, [0.5, 0.5])": np.power(x, [0.5, 0.5]),
        "x ** 0.5": x**0.5,
        "each float ** 0.5": np.array([v**0.5 for v in x.tolist()]),
        "each np.float64 ** 0.5": np.array([v**0.5 for v in x]),
    }
for name, value in seen.items():
    print(f"{name:23} {value.tolist()}")
whole, halves = str([np.inf, 0.0]), str([np.nan, -0.0])
text = {name: str(value.tolist()) for name, value in seen.items()}
assert text["np.power(x, [0.5, 0.5])"] == text["each float ** 0.5"] == text["each np.float64 ** 0.5"] == whole
assert text["np.power(x, 0.5)"] == text["np.power(x, [0.5])"] == text["x ** 0.5"] == halves, "the behaviour has changed"
PYTHON
