#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU.
# Guess: which element interpolate(mode="nearest") takes for a place depends on the scale factor, not on how long the image is.
# Behaviour: an image that keeps its size under the factors (1.0, 1.004) is left as it is up to a width of 127; from 128 on each
# place but the first takes its left neighbour.
# Seen:
#   127 [0.0, 1.0, 2.0, 3.0]
#   128 [0.0, 0.0, 1.0, 2.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("torch", torch.__version__)
seen = {}
for width in (127, 128):
    x = torch.arange(float(width)).reshape(1, 1, 1, width)
    y = torch.nn.functional.interpolate(x, scale_factor=(1.0, 1.004), mode="nearest")
    seen[width] = y[0, 0, 0, :4].tolist()
    print(width, seen[width])
    assert y.shape == x.shape
assert seen == {127: [0.0, 1.0, 2.0, 3.0], 128: [0.0, 0.0, 1.0, 2.0]}, "the behaviour has changed"
PYTHON
