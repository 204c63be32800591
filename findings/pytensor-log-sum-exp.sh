#!/usr/bin/env bash
# PyTensor 3.0.7 (numpy 2.4.6).
# Guess: the gradient of logsumexp is finite wherever its value is, since compiling makes the expression stable.
# Behaviour: the value is made stable, and the gradient only where nothing but a sum of the logsumexp is differentiated
# by its argument itself. In a mean, a square, or by what the argument is computed from, the value is 1000 and the
# gradient nan. log_softmax is right.
# Seen, for the rows [1000, 0] and [0, 0]:
#   sum(logsumexp(x))            value     1000.6931  gradient [[1.0, 0.0], [0.5, 0.5]]
#   mean(logsumexp(x))           value      500.3466  gradient [[nan, 0.0], [0.25, 0.25]]
#   sum(logsumexp(2 x))          value     2000.6931  gradient [[nan, 0.0], [1.0, 1.0]]
#   sum(logsumexp(x) ** 2)       value  1000000.4805  gradient [[nan, 0.0], [0.6931, 0.6931]]
#   -mean(log_softmax(x)[:, 0])  value        0.3466  gradient [[0.0, 0.0], [-0.25, 0.25]]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 pytensor==3.0.7
"$folder/venv/bin/python" - <<'PYTHON'
import warnings

import numpy as np
import pytensor
import pytensor.tensor as pt

warnings.simplefilter("ignore")
print("pytensor", pytensor.__version__, "numpy", np.__version__)
forms = {
    "sum(logsumexp(x))": lambda x: pt.logsumexp(x, axis=1).sum(),
    "mean(logsumexp(x))": lambda x: pt.logsumexp(x, axis=1).mean(),
    "sum(logsumexp(2 x))": lambda x: pt.logsumexp(2 * x, axis=1).sum(),
    "sum(logsumexp(x) ** 2)": lambda x: (pt.logsumexp(x, axis=1) ** 2).sum(),
    "-mean(log_softmax(x)[:, 0])": lambda x: -pt.special.log_softmax(x, axis=1)[:, 0].mean(),
}
seen = {}
for name, f in forms.items():
    x = pt.dmatrix("x")
    y = f(x)
    value, gradient = pytensor.function([x], [y, pytensor.grad(y, x)])(np.array([[1000.0, 0], [0, 0]]))
    seen[name] = bool(np.isfinite(value)), bool(np.isfinite(gradient).all())
    print(f"{name:28} value {float(value):13.4f}  gradient {np.round(gradient, 4).tolist()}")
assert all(value for value, _ in seen.values())
assert [gradient for _, gradient in seen.values()] == [True, False, False, False, True], "the behaviour has changed"
PYTHON
