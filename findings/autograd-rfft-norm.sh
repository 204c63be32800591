#!/usr/bin/env bash
# autograd 1.9.1 (numpy 2.4.6).
# Guess: numpy.fft.rfft and irfft with norm="backward", which is NumPy's default under its name, have the gradients they
# have with the default, norm=None.
# Behaviour: the factor 1/n is missed: the gradient of rfft is n times too small, and that of irfft n times too large.
# With "forward" both are wrong as well, and with "ortho" right.
# Seen, gradient of the sum of squares divided by finite differences, n = 4:
#   None      rfft 1.0     irfft 1.0
#   backward  rfft 0.25    irfft 4.0
#   forward   rfft 4.0     irfft 0.25
#   ortho     rfft 1.0     irfft 1.0
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


def ratio(function, x):
    step = 1e-6
    change = np.array([0, step, 0, 0][: len(x)])
    difference = (function(x + change) - function(x - change)) / (2 * step)
    return round(float(grad(function)(x)[1] / difference), 4)


seen = {}
for norm in (None, "backward", "forward", "ortho"):
    forth = ratio(lambda x: np.sum(np.abs(np.fft.rfft(x, norm=norm)) ** 2), np.arange(4.0))
    back = ratio(lambda x: np.sum(np.fft.irfft(x + 0j, norm=norm) ** 2), np.arange(3.0))
    seen[norm] = forth, back
    print(f"{norm!s:9} rfft {forth!s:7} irfft {back}")
assert seen[None] == seen["ortho"] == (1, 1), "the behaviour has changed"
assert seen["backward"] == (0.25, 4) and seen["forward"] == (4, 0.25), "the behaviour has changed"
PYTHON
