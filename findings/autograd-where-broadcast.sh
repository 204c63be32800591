#!/usr/bin/env bash
# autograd 1.9.1 (numpy 2.4.6).
# Guess: a gradient has the shape of what it belongs to, and adds up over places that shared a number, as with every
# ufunc.
# Behaviour: numpy.where, clip and full do not add up what they broadcast: the gradient by one number has three
# elements, or that by three numbers one, and no error says so.
# Seen, shape of the argument, gradient, finite differences:
#   x * mask    ()    4.0              4.0
#   where       ()    [1.0, 0.0, 3.0]  4.0
#   clip        ()    [1.0, 2.0, 0.0]  3.0
#   full        (3,)  9.0              [2.0, 3.0, 4.0]
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
w, mask = np.array([1.0, 2.0, 3.0]), np.array([True, False, True])
functions = {
    "x * mask": (lambda x: np.sum(x * mask * w), np.array(1.5)),
    "where": (lambda x: np.sum(np.where(mask, x, 0.0) * w), np.array(1.5)),
    "clip": (lambda x: np.sum(np.clip(x, np.array([0.0, 1.0, 2.0]), 5.0) * w), np.array(1.5)),
    "full": (lambda x: np.sum(np.full((2, 3), x) * np.array([w, np.ones(3)])), np.array([1.0, 2.0, 3.0])),
}
step, shapes = 1e-6, []
for name, (function, x) in functions.items():
    gradient = grad(function)(x)
    differences = np.zeros_like(x)
    for index in np.ndindex(*x.shape):
        change = np.zeros_like(x)
        change[index] = step
        differences[index] = round(float((function(x + change) - function(x - change)) / (2 * step)), 4)
    print(f"{name:11} {x.shape!s:5} {gradient.tolist()!s:16} {differences.tolist()}")
    shapes.append(np.shape(gradient) == x.shape)
assert shapes == [True, False, False, False], "the behaviour has changed"
PYTHON
