#!/usr/bin/env bash
# onnx 1.23.2, its reference evaluator.
# Guess: LogSoftmax subtracts the logarithm of the sum, so [0, -200] gives [0, -200] in float32.
# Behaviour: it takes the logarithm of Softmax, which is 0 there: -inf, with a warning of NumPy.
# Seen:
#   [0.0, -inf]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 onnx==1.23.2
"$folder/venv/bin/python" - <<'PYTHON'
import warnings

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

print("onnx", onnx.__version__)
inputs, outputs = ([helper.make_tensor_value_info(name, TensorProto.FLOAT, [2])] for name in "xy")
graph = helper.make_graph([helper.make_node("LogSoftmax", ["x"], ["y"], axis=0)], "g", inputs, outputs)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
onnx.checker.check_model(model, full_check=True)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    (y,) = ReferenceEvaluator(model).run(None, {"x": np.array([0, -200], np.float32)})
print(y.tolist())
assert y.tolist() == [0.0, float("-inf")], "the behaviour has changed"
PYTHON
