#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU.
# Guess: the normal distribution function at -10 is 7.6e-24 in float64, and what log_ndtr says is its logarithm.
# Behaviour: torch.special.ndtr and Normal.cdf are 0 from -8.5 on (float32: from -6 on), as one half of 1 + erf.
# log_ndtr is right.
# Seen:
#   x -5.0: ndtr 2.9e-07, exp(log_ndtr) 2.9e-07, Normal.cdf 2.9e-07
#   x -8.0: ndtr 6.1e-16, exp(log_ndtr) 6.2e-16, Normal.cdf 6.1e-16
#   x -8.5: ndtr 0.0e+00, exp(log_ndtr) 9.5e-18, Normal.cdf 0.0e+00
#   x -10.0: ndtr 0.0e+00, exp(log_ndtr) 7.6e-24, Normal.cdf 0.0e+00
#   float32, x -6.0: ndtr 0.0e+00, exp(log_ndtr) 9.9e-10
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("torch", torch.__version__)
normal = torch.distributions.Normal(torch.tensor(0.0, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64))
for value in (-5.0, -8.0, -8.5, -10.0):
    x = torch.tensor(value, dtype=torch.float64)
    ndtr, right, cdf = (y.item() for y in (torch.special.ndtr(x), torch.special.log_ndtr(x).exp(), normal.cdf(x)))
    print(f"x {value}: ndtr {ndtr:.1e}, exp(log_ndtr) {right:.1e}, Normal.cdf {cdf:.1e}")
    assert abs(right / (0.5 * torch.erfc(-x / 2**0.5).item()) - 1) < 1e-9
    assert (ndtr == 0 and cdf == 0) == (value <= -8.5), "the behaviour has changed"
x = torch.tensor(-6.0)
ndtr, right = torch.special.ndtr(x).item(), torch.special.log_ndtr(x).exp().item()
print(f"float32, x -6.0: ndtr {ndtr:.1e}, exp(log_ndtr) {right:.1e}")
assert ndtr == 0, "the behaviour has changed"
PYTHON
