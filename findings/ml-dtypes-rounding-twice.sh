#!/usr/bin/env bash
# ml_dtypes 0.6.0 and PyTorch 2.13.0 (numpy 2.4.6), on the CPU.
# Guess: a conversion from float64 gives the nearest number, as NumPy's from float64 to float16 does.
# Behaviour: PyTorch's to float16, and both to bfloat16, round to float32 first, and then again. What lies a little
# above the middle of two numbers becomes the middle in float32 and goes to the even one, the farther of the two.
# Seen:
#   1 + 2**-11 + 2**-40 to float16:  numpy 1.0009765625, torch 1.0, nearest 1.0009765625
#   1 + 2**-8 + 2**-40 to bfloat16:  ml_dtypes 1.0, torch 1.0, nearest 1.0078125
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 ml_dtypes==0.6.0 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import ml_dtypes
import numpy as np
import torch

print("ml_dtypes", ml_dtypes.__version__, "torch", torch.__version__, "numpy", np.__version__)
half, brain = 1 + 2**-11 + 2**-40, 1 + 2**-8 + 2**-40
numpy_half = float(np.float64(half).astype(np.float16))
torch_half = torch.tensor(half, dtype=torch.float64).to(torch.float16).item()
numpy_brain = float(np.float64(brain).astype(ml_dtypes.bfloat16))
torch_brain = torch.tensor(brain, dtype=torch.float64).to(torch.bfloat16).item()
print(f"1 + 2**-11 + 2**-40 to float16:  numpy {numpy_half}, torch {torch_half}, nearest {1 + 2**-10}")
print(f"1 + 2**-8 + 2**-40 to bfloat16:  ml_dtypes {numpy_brain}, torch {torch_brain}, nearest {1 + 2**-7}")
assert numpy_half == 1 + 2**-10, "the behaviour has changed"
assert torch_half == numpy_brain == torch_brain == 1, "the behaviour has changed"
PYTHON
