#!/usr/bin/env bash
# SciPy 1.17.1 (numpy 2.4.6).
# Guess: softmax of float16 logits over a vocabulary of 128256 words gives float16 probabilities whose sum is about 1.
# Behaviour: the sum is taken in float16, which ends at 65504, so that each probability is divided by infinity: all are
# 0 where more than 65504 logits are about as large as the largest. logsumexp is infinite there, and log_softmax -inf.
# Seen:
#   65504 words: probability 1.526e-05, log_softmax -11.09, logsumexp 11.09
#   128256 words: probability 0.000e+00, log_softmax -inf, logsumexp inf
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
seen = []
for words in (65504, 128256):
    logits = np.zeros(words, np.float16)
    with np.errstate(all="ignore"):
        probability, logarithm, total = softmax(logits)[0], log_softmax(logits)[0], logsumexp(logits)
    print(f"{words} words: probability {probability:.3e}, log_softmax {logarithm:.2f}, logsumexp {total:.2f}")
    seen.append((probability > 0, np.isfinite(logarithm), np.isfinite(total)))
assert seen == [(True, True, True), (False, False, False)], "the behaviour has changed"
PYTHON
