#!/usr/bin/env bash
# tract 0.23.9 (onnx 1.23.2, onnxruntime 1.32.0), on the CPU.
# Guess: Celu with alpha=2 is 2 (exp(x / 2) - 1) for negative x, as the operator's text says.
# Behaviour: the factor alpha is missed, so that the slope at 0 jumps from 1 / alpha to 1: what Celu is made to avoid.
# Swish passes over its alpha altogether. Elu, which has an alpha as well, is right.
# Seen, at -2 and -1:
#   Elu   alpha 1: onnxruntime -0.8647 -0.6321  tract -0.8647 -0.6321
#   Elu   alpha 2: onnxruntime -1.7293 -1.2642  tract -1.7293 -1.2642
#   Celu  alpha 1: onnxruntime -0.8647 -0.6321  tract -0.8647 -0.6321
#   Celu  alpha 2: onnxruntime -1.2642 -0.7869  tract -0.6321 -0.3935
#   Swish alpha 1: onnxruntime -0.2384 -0.2689  tract -0.2384 -0.2689
#   Swish alpha 2: onnxruntime -0.0360 -0.1192  tract -0.2384 -0.2689
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 tract==0.23.9
"$folder/venv/bin/python" - <<'PYTHON'
import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime
import tract
from onnx import TensorProto, helper

print("tract 0.23.9", "onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
x = np.array([-2, -1], np.float32)


def run(op, alpha):
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xy"]
    graph = helper.make_graph([helper.make_node(op, ["x"], ["y"], alpha=alpha)], "g", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 24)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, pathlib.Path(folder) / "m.onnx")
        other = tract.onnx().load(pathlib.Path(folder) / "m.onnx").into_model().into_runnable().run([x])[0].to_numpy()
    return [[f"{v:.4f}" for v in a] for a in (session.run(None, {"x": x})[0], other)]


same = {}
for op in ("Elu", "Celu", "Swish"):
    for alpha in (1.0, 2.0):
        right, other = run(op, alpha)
        same[op, alpha] = right == other
        print(f"{op:5} alpha {alpha:.0f}: onnxruntime {' '.join(right)}  tract {' '.join(other)}")
assert same == {(op, a): op == "Elu" or a == 1 for op in ("Elu", "Celu", "Swish") for a in (1, 2)}, (
    "the behaviour has changed"
)
PYTHON
