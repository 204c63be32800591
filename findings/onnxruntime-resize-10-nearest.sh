#!/usr/bin/env bash
# onnxruntime 1.32.0, Resize of operator set 10 with mode="nearest".
# Guess: element i of the result is element floor(i / scale), whether it becomes longer or shorter.
# Behaviour: it is floor(i / scale) where the axis becomes longer, and ceil(i / scale) where it becomes shorter.
# Seen, of 0 1 2 ... 9:
#   scale 0.3: 0 4 7
#   scale 0.6: 0 2 4 5 7 9
#   scale 1.5: 0 0 1 2 2 3 4 4 5 6 6 7 8 8 9
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

print("onnxruntime", onnxruntime.__version__)


def resized(x, scale):
    node = helper.make_node("Resize", ["x", "scales"], ["y"], mode="nearest")
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [len(x)])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None])]
    scales = numpy_helper.from_array(np.array([scale], np.float32), "scales")
    graph = helper.make_graph([node], "graph", inputs, outputs, [scales])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 10)], ir_version=5)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0].astype(int).tolist()


for scale, rounded in ((0.3, np.ceil), (0.6, np.ceil), (1.5, np.floor)):
    found = resized(np.arange(10, dtype=np.float32), scale)
    print(f"scale {scale}:", *found)
    assert found == rounded(np.arange(len(found)) / scale).astype(int).tolist(), "the behaviour has changed"
PYTHON
