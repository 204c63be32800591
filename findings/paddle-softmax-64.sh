#!/usr/bin/env bash
# paddlepaddle 3.3.1 (numpy 2.4.6), on a CPU.
# Guess: the softmax of -inf beside 1 is 0, log_softmax of (0, -200) is (0, -200), and a cross entropy grows without
# bound with a wrong logit, as NumPy's formula, PyTorch's and JAX's functions have it.
# Behaviour: differences to the largest logit end at -64. A masked place keeps a probability of exp(-64), no log
# probability is below -64, and a loss of 200 is told as 64.
# Seen:
#   softmax of -inf, 1         1.604e-28, 1.0
#   log_softmax of 0, -200     0.0, -64.0
#   cross_entropy of 0, -200   64.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 paddlepaddle==3.3.1
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy as np
import paddle
from paddle.nn import functional as F

print("paddlepaddle", version("paddlepaddle"))
masked = F.softmax(paddle.to_tensor([-np.inf, 1.0])).numpy()
logs = F.log_softmax(paddle.to_tensor([0.0, -200.0])).numpy()
loss = float(F.cross_entropy(paddle.to_tensor([[0.0, -200.0]]), paddle.to_tensor([1])))
print(f"softmax of -inf, 1         {masked[0]:.3e}, {masked[1]}")
print(f"log_softmax of 0, -200     {logs[0]}, {logs[1]}")
print(f"cross_entropy of 0, -200   {loss}")
assert np.isclose(masked[0], np.exp(-64), rtol=1e-4), "the behaviour has changed"
assert logs.tolist() == [0, -64] and loss == 64, "the behaviour has changed"
PYTHON
