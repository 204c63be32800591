#!/usr/bin/env bash
# autograd 1.9.1 (numpy 2.4.6).
# Guess: the gradient of a dot product by one operand is the other operand, also where the one is an array of integers.
# Behaviour: dot casts the gradient to the dtype of the operand, and cuts off what lies behind the decimal point. The
# product with @, and the sum of products, give the right gradient at the same place.
# Seen, at [1, 2] of the product with [0.5, 0.75]:
#   dot       [0, 0]
#   @         [0.5, 0.75]
#   (x*w).sum [0.5, 0.75]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 scipy==1.17.1 autograd==1.9.1
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import autograd.numpy as np
from autograd import grad

print("autograd", version("autograd"))
w = np.array([0.5, 0.75])
functions = {"dot": lambda x: np.dot(x, w), "@": lambda x: x @ w, "(x*w).sum": lambda x: np.sum(x * w)}
seen = {}
for name, function in functions.items():
    seen[name] = grad(function)(np.array([1, 2])).tolist()
    print(f"{name:9} {seen[name]}")
assert seen["dot"] == [0, 0] and seen["@"] == seen["(x*w).sum"] == [0.5, 0.75], "the behaviour has changed"
PYTHON
