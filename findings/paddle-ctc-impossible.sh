#!/usr/bin/env bash
# paddlepaddle 3.3.1 (numpy 2.4.6), on a CPU.
# Guess: where no path gives the label, as two equal labels in two frames, which need a blank between them, the CTC loss
# is infinite, as it is in PyTorch.
# Behaviour: it is 0, the best loss there is, with a gradient of 0. With three frames, for which there is one path, the
# loss is right.
# Seen, of uniform logits over 3 classes:
#   3 frames  loss 3.2958  gradient up to 0.667
#   2 frames  loss 0.0000  gradient up to 0.000
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
seen = {}
for frames in (3, 2):
    logits = paddle.zeros([frames, 1, 3])
    logits.stop_gradient = False
    label = paddle.to_tensor([[1, 1]], dtype="int32")
    loss = F.ctc_loss(logits, label, paddle.to_tensor([frames]), paddle.to_tensor([2]), reduction="sum")
    loss.backward()
    seen[frames] = float(loss), float(np.abs(logits.grad.numpy()).max())
    print(f"{frames} frames  loss {seen[frames][0]:.4f}  gradient up to {seen[frames][1]:.3f}")
assert np.isclose(seen[3][0], 3 * np.log(3)), "the behaviour has changed"
assert seen[2] == (0, 0), "the behaviour has changed"
PYTHON
