#!/usr/bin/env bash
# autograd 1.9.1 (numpy 2.4.6, scipy 1.17.1).
# Guess: the gradient of the logarithmic density of chi-squared by x is (df - x - 2) / (2 x) for any degrees of freedom.
# Behaviour: it is 0 unless df is a whole number; the value itself is right for all.
# Seen, at x = 3:
#   df 2.0: gradient -0.5000, finite differences -0.5000
#   df 2.5: gradient 0.0000, finite differences -0.4167
#   df 3.0: gradient -0.3333, finite differences -0.3333
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 scipy==1.17.1 autograd==1.9.1
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from autograd import grad
from autograd.scipy.stats import chi2

print("autograd", version("autograd"))
x, step = 3.0, 1e-6
for df in (2.0, 2.5, 3.0):
    gradient = grad(chi2.logpdf)(x, df)
    difference = (chi2.logpdf(x + step, df) - chi2.logpdf(x - step, df)) / (2 * step)
    print(f"df {df}: gradient {gradient:.4f}, finite differences {difference:.4f}")
    assert np.isclose(difference, (df - x - 2) / (2 * x))
    assert gradient == 0 if df == 2.5 else np.isclose(gradient, difference), "the behaviour has changed"
PYTHON
