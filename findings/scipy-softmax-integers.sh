#!/usr/bin/env bash
# SciPy 1.17.1 (numpy 2.4.6).
# Guess: softmax of quantized logits, [-100, 100] in int8, is [0, 1] within rounding, as that of the same numbers in
# float64.
# Behaviour: the largest is subtracted in the integers' own dtype, where the difference wraps around, and the
# exponential is taken in float16: nan or, for log_softmax, -inf everywhere. logsumexp of the same array is right.
# Seen:
#   int8  [-100, 100]: softmax [nan, 0.0], log_softmax [-inf, -inf], logsumexp 100.0
#   uint8 [0, 200]: softmax [nan, 0.0], log_softmax [-inf, -inf], logsumexp 200.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import scipy
from scipy.special import log_softmax, logsumexp, softmax

print("scipy", scipy.__version__, "numpy", np.__version__)
for dtype, x in (("int8", [-100, 100]), ("uint8", [0, 200])):
    quantized = np.array(x, dtype)
    with np.errstate(all="ignore"):
        p, logarithm, total = softmax(quantized), log_softmax(quantized), logsumexp(quantized)
    print(f"{dtype:5} {x}: softmax {p.tolist()}, log_softmax {logarithm.tolist()}, logsumexp {total}")
    assert np.isnan(p[0]) and p[1] == 0 and np.isneginf(logarithm).all(), "the behaviour has changed"
    assert total == x[1] and np.allclose(softmax(np.array(x, float)), [0, 1])
PYTHON
