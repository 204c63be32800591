#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU.
# Guess: grid_sample takes a nan in its grid for -1, as the note in its documentation says.
# Behaviour: it does so only for the modes bilinear and nearest with padding_mode="border" or "reflection". With
# "zeros", the default, nan gives nan, or 0 for nearest, where -1 gives a number of the image; bicubic gives nan in all
# cases.
# Seen, of the image [[1, 2], [3, 4]] at the left edge:
#   bilinear zeros       at nan nan      at -1 1.0000
#   bilinear border      at nan 2.0000   at -1 2.0000
#   bilinear reflection  at nan 2.0000   at -1 2.0000
#   nearest  zeros       at nan 0.0000   at -1 1.0000
#   nearest  border      at nan 1.0000   at -1 1.0000
#   nearest  reflection  at nan 1.0000   at -1 1.0000
#   bicubic  zeros       at nan nan      at -1 1.0762
#   bicubic  border      at nan nan      at -1 1.9062
#   bicubic  reflection  at nan nan      at -1 1.8125
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import torch
import torch.nn.functional as F

print("torch", torch.__version__)
image, seen = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), []
for mode in ("bilinear", "nearest", "bicubic"):
    for padding in ("zeros", "border", "reflection"):
        nan, edge = (
            F.grid_sample(image, torch.tensor([[[[x, 0.0]]]]), mode, padding, align_corners=False).item()
            for x in (float("nan"), -1.0)
        )
        print(f"{mode:8} {padding:11} at nan {nan:<8.4f} at -1 {edge:.4f}")
        seen.append(nan == edge)
assert "NaN values in :attr:`grid` would be interpreted as ``-1``" in F.grid_sample.__doc__
assert seen == [False, True, True, False, True, True, False, False, False], "the behaviour has changed"
PYTHON
