#!/usr/bin/env bash
# onnxoptimizer 0.4.2 (onnx 1.23.2, onnxruntime 1.32.0).
# Guess: optimising a model with the default passes leaves what it computes as it is.
# Behaviour: a Pad with zeros before a MaxPool becomes the pads of the MaxPool, which are never the largest: where all
# numbers under a window are negative, the result was 0 and is now negative.
# Seen, of [[-1, -2], [-3, -4]]:
#   Pad MaxPool: [[0, 0, 0], [0, -1, 0], [0, 0, 0]]
#   MaxPool:     [[-1, -1, -2], [-1, -1, -2], [-3, -3, -4]]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 onnxoptimizer==0.4.2
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxoptimizer
import onnxruntime
from onnx import TensorProto, helper

print("onnxoptimizer", onnxoptimizer.__version__, "onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, n, n]) for name, n in (("x", 2), ("y", 3))]
pads = helper.make_tensor("pads", TensorProto.INT64, [8], [0, 0, 1, 1, 0, 0, 1, 1])
nodes = [helper.make_node("Pad", ["x", "pads"], ["a"]), helper.make_node("MaxPool", ["a"], ["y"], kernel_shape=[2, 2])]
graph = helper.make_graph(nodes, "g", info[:1], info[1:], [pads])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
onnx.checker.check_model(model, full_check=True)
x, seen = np.array([[[[-1, -2], [-3, -4]]]], np.float32), []
for each in (model, onnxoptimizer.optimize(model)):
    session = onnxruntime.InferenceSession(each.SerializeToString(), providers=["CPUExecutionProvider"])
    seen.append(session.run(None, {"x": x})[0][0, 0].astype(int).tolist())
    print(f"{' '.join(node.op_type for node in each.graph.node) + ':':12} {seen[-1]}")
assert seen[0] == [[0, 0, 0], [0, -1, 0], [0, 0, 0]]
assert seen[1] == [[-1, -1, -2], [-1, -1, -2], [-3, -3, -4]], "the behaviour has changed"
PYTHON
