#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU (scipy 1.17.1).
# Guess: polygamma(1, x), and so the gradient of digamma(x), is as precise in float64 as polygamma(2, x) is.
# Behaviour: it has only nine digits for small x; polygamma(1, 1) differs from pi**2 / 6 in the tenth. polygamma(2, x)
# has all.
# Seen, relative difference from SciPy:
#   x 0.5: polygamma(1, x) 3.1e-10, gradient of digamma 3.1e-10, polygamma(2, x) 0.0e+00
#   x 1.0: polygamma(1, x) 4.8e-10, gradient of digamma 4.8e-10, polygamma(2, x) 0.0e+00
#   x 2.0: polygamma(1, x) 3.7e-10, gradient of digamma 3.7e-10, polygamma(2, x) 0.0e+00
#   x 10.0: polygamma(1, x) 4.6e-12, gradient of digamma 4.6e-12, polygamma(2, x) 0.0e+00
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import math

import scipy.special
import torch

print("torch", torch.__version__, "scipy", scipy.__version__)
for value in (0.5, 1.0, 2.0, 10.0):
    x = torch.tensor(value, dtype=torch.float64, requires_grad=True)
    torch.digamma(x).backward()
    right = scipy.special.polygamma([1, 1, 2], value)
    found = [torch.polygamma(1, x).item(), x.grad.item(), torch.polygamma(2, x).item()]
    one, gradient, two = (abs(a / b - 1) for a, b in zip(found, right))
    print(f"x {value}: polygamma(1, x) {one:.1e}, gradient of digamma {gradient:.1e}, polygamma(2, x) {two:.1e}")
    assert two < 1e-14 and one == gradient, "the behaviour has changed"
    assert value == 10 or 1e-10 < one < 1e-9, "the behaviour has changed"
assert math.isclose(scipy.special.polygamma(1, 1), math.pi**2 / 6, rel_tol=1e-14)
PYTHON
