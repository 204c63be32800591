#!/usr/bin/env bash
# onnx 1.23.2.
# Guess: inlining an operator by its body in the standard leaves what the model computes as it is.
# Behaviour: attributes that the node leaves to their defaults are lost. MeanVarianceNormalization takes the axes 0, 2
# and 3 if it names none; inlined, its ReduceMean has no axes and takes all, and nothing says so.
# Seen:
#   as it is   [-1.2288, -1.065, -0.9012, -0.7373]
#   inlined    [-1.6613, -1.5169, -1.3724, -1.2279]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 onnx==1.23.2
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.inliner import inline_selected_functions
from onnx.reference import ReferenceEvaluator

print("onnx", onnx.__version__)
info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 3, 2, 2]) for name in "xy"]
node = helper.make_node("MeanVarianceNormalization", ["x"], ["y"])
graph = helper.make_graph([node], "graph", info[:1], info[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
onnx.checker.check_model(model)
name = ("", "MeanVarianceNormalization")
inlined = inline_selected_functions(model, [name], exclude=False, inline_schema_functions=True)
x = np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2)
results = {}
for kind, each in (("as it is", model), ("inlined", inlined)):
    results[kind] = ReferenceEvaluator(each).run(None, {"x": x})[0].ravel()
    print(f"{kind:10}", [round(float(y), 4) for y in results[kind][:4]])
channels = (x - x.mean((0, 2, 3), keepdims=True)) / x.std((0, 2, 3), keepdims=True)
right = [np.allclose(y, channels.ravel(), atol=1e-5) for y in results.values()]
assert right == [True, False], "the behaviour has changed"
PYTHON
