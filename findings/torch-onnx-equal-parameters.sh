#!/usr/bin/env bash
# PyTorch 2.13.0 (onnx 1.23.2, onnxscript 0.7.2), on the CPU.
# Guess: torch.onnx.export writes each parameter of a module under its name, so that its numbers can be replaced or
# trained in the file.
# Behaviour: of parameters that have equal numbers just then, as scales of 1 have in a new model, only the first is
# written, and the nodes of the others use it: a new number for the one is a new number for all. With optimize=False
# each is written.
# Seen, of x * scale + shift, with ones for both:
#   optimize=True  initializers scale; Mul x scale; Add mul scale
#   optimize=False initializers scale shift; Mul x scale; Add mul shift
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2
"$folder/venv/bin/python" - <<'PYTHON'
import contextlib
import io
import logging
import warnings

import torch

print("torch", torch.__version__)
logging.disable(logging.WARNING)
warnings.simplefilter("ignore")


class Affine(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale, self.shift = torch.nn.Parameter(torch.ones(3)), torch.nn.Parameter(torch.ones(3))

    def forward(self, x):
        return x * self.scale + self.shift


seen = {}
for optimize in (True, False):
    with contextlib.redirect_stdout(io.StringIO()):
        graph = torch.onnx.export(Affine(), (torch.zeros(2, 3),), dynamo=True, optimize=optimize).model_proto.graph
    seen[optimize] = [initializer.name for initializer in graph.initializer]
    nodes = "; ".join(" ".join([node.op_type, *node.input]) for node in graph.node)
    print(f"{f'optimize={optimize}':14} initializers {' '.join(seen[optimize])}; {nodes}")
assert seen == {True: ["scale"], False: ["scale", "shift"]}, "the behaviour has changed"
PYTHON
