#!/usr/bin/env bash
# onnxoptimizer 0.4.2 and onnxslim 0.1.98 (onnx 1.23.2, onnxruntime 1.32.0).
# Guess: two nodes that draw random numbers stay two, as the difference of two noises is noise.
# Behaviour: both take them for the same expression and keep one: the difference is 0. onnxruntime itself keeps them
# apart.
# Seen, of 1000 differences those that are not 0:
#   as it is       1000  RandomNormalLike RandomNormalLike Sub
#   onnxoptimizer  0  RandomNormalLike Sub
#   onnxslim       0  RandomNormalLike Sub
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 onnxoptimizer==0.4.2 onnxslim==0.1.98
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxoptimizer
import onnxruntime
import onnxslim
from onnx import TensorProto, helper

print("onnxoptimizer", onnxoptimizer.__version__, "onnxslim", onnxslim.__version__, "onnx", onnx.__version__)
info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1000]) for name in "xy"]
nodes = [helper.make_node("RandomNormalLike", ["x"], [name]) for name in "ab"]
graph = helper.make_graph([*nodes, helper.make_node("Sub", ["a", "b"], ["y"])], "g", info[:1], info[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
onnx.checker.check_model(model, full_check=True)
seen = {}
models = {"as it is": model, "onnxoptimizer": onnxoptimizer.optimize(model), "onnxslim": onnxslim.slim(model)}
for name, each in models.items():
    session = onnxruntime.InferenceSession(each.SerializeToString(), providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {"x": np.zeros(1000, np.float32)})
    seen[name] = np.count_nonzero(y)
    print(f"{name:14} {seen[name]} ", *(node.op_type for node in each.graph.node))
assert seen == {"as it is": 1000, "onnxoptimizer": 0, "onnxslim": 0}, "the behaviour has changed"
PYTHON
