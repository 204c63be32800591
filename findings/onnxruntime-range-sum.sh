#!/usr/bin/env bash
# onnxruntime 1.32.0, on the CPU.
# Guess: element i of Range is start + i * delta, as the operator's text says, and so below the limit.
# Behaviour: each element is the one before it plus delta, in float32. Of a million steps of 0.1 the last is one per
# cent off, and above the limit.
# Seen:
#   0 ... 1000   by 0.1: last 999.8029, start + i * delta 999.9000
#   0 ... 10000  by 0.1: last 9998.4570, start + i * delta 9999.9001
#   0 ... 100000 by 0.1: last 100958.2422, start + i * delta 99999.9015
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

print("onnxruntime", onnxruntime.__version__, "onnx", onnx.__version__)
inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, []) for name in ("start", "limit", "delta")]
outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None])]
node = helper.make_node("Range", ["start", "limit", "delta"], ["y"])
graph = helper.make_graph([node], "g", inputs, outputs)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
onnx.checker.check_model(model, full_check=True)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
for limit in (1000, 10000, 100000):
    arrays = {name: np.array(v, np.float32) for name, v in (("start", 0), ("limit", limit), ("delta", 0.1))}
    (y,) = session.run(None, arrays)
    right = (y.size - 1) * float(arrays["delta"])
    print(f"0 ... {limit:<6} by 0.1: last {y[-1]:.4f}, start + i * delta {right:.4f}")
assert "output[i] =  start + (i * delta)" in onnx.defs.get_schema("Range").doc
assert y.size == 1000000 and y[-1] > 100500, "the behaviour has changed"
PYTHON
