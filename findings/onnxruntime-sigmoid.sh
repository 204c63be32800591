#!/usr/bin/env bash
# onnxruntime 1.32.0 (onnx 1.23.2, numpy 2.4.6), on the CPU.
# Guess: float32 Sigmoid of -20 is 2.06e-09, which float32 holds easily.
# Behaviour: it is exactly 0 from -18 on, so that its logarithm is -inf.
# Seen:
#   x         [-17. -18. -20. -40.]
#   runtime   [8.940697e-08 0.000000e+00 0.000000e+00 0.000000e+00]
#   exact     [4.13993755e-08 1.52299795e-08 2.06115362e-09 4.24835426e-18]
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

print("numpy", np.__version__, "onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in "xy")
graph = helper.make_graph([helper.make_node("Sigmoid", ["x"], ["y"])], "sigmoid", [x], [y])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
values = np.array([-17, -18, -20, -40], np.float32)
(result,) = session.run(None, {"x": values})
print("x        ", values)
print("runtime  ", result)
print("exact    ", 1 / (1 + np.exp(-values.astype(float))))
assert result[0] > 0 and not result[1:].any(), "the behaviour has changed"
PYTHON
