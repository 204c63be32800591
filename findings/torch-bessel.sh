#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU (scipy 1.17.1).
# Guess: the Bessel functions of torch.special are right to some 14 digits in float64, as SciPy's are.
# Behaviour: so they are up to 2 and from 20 on. Between 4 and 8 they are only good for float32: where one approximation
# takes over from another, at 5, they are 2e-7 to 9e-7 off, and jump.
# Seen, largest difference from SciPy in float64:
#               0.5 to 2   3 to 4   4 to 5   5 to 6   8 to 12 20 to 40
#   bessel_j0   7.9e-15  7.4e-10  9.9e-09  3.8e-07  2.0e-09  5.6e-15
#   bessel_j1   6.7e-15  4.1e-11  6.1e-09  4.7e-07  3.2e-09  2.1e-14
#   bessel_y0   2.9e-14  3.6e-10  1.2e-08  2.0e-07  1.5e-09  9.8e-15
#   bessel_y1   2.2e-15  4.7e-10  8.9e-09  8.7e-07  4.4e-09  1.2e-14
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import scipy.special
import torch

print("torch", torch.__version__, "scipy", scipy.__version__)
intervals = [(0.5, 2), (3, 4), (4, 5), (5.001, 6), (8, 12), (20, 40)]
print(" " * 9, "  0.5 to 2   3 to 4   4 to 5   5 to 6   8 to 12 20 to 40")
for name in ("j0", "j1", "y0", "y1"):
    errors = []
    for low, high in intervals:
        x = np.linspace(low, high, 300)
        here, there = getattr(torch.special, f"bessel_{name}")(torch.tensor(x)), getattr(scipy.special, name)(x)
        errors.append(abs(here.numpy() - there).max())
    print(f"bessel_{name}  ", "  ".join(f"{error:.1e}" for error in errors))
    assert errors[0] < 1e-13 and errors[-1] < 1e-13 and errors[3] > 1e-7, "the behaviour has changed"
PYTHON
