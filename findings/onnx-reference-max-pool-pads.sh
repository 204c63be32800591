#!/usr/bin/env bash
# onnx 1.23.2, its reference evaluator.
# Guess: a MaxPool that is padded on one side only has the shape that shape inference finds, and onnxruntime's numbers.
# Behaviour: padded at the end, the last result is missing; padded at the beginning, IndexError; with
# auto_pad="SAME_LOWER" the first is missing. AveragePool of the same kinds is right.
# Seen, of 1 2 3 4 5 with windows of 2:
#   pads 0, 1             onnxruntime [2, 3, 4, 5, 5]  reference [2, 3, 4, 5]
#   pads 1, 0             onnxruntime [1, 2, 3, 4, 5]  reference IndexError: index 4 is out of bounds for axis 2 with size 4
#   SAME_LOWER, strides 2 onnxruntime [1, 3, 5]  reference [3, 5]
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
from onnx.reference import ReferenceEvaluator

print("onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
x = np.arange(1, 6, dtype=np.float32).reshape(1, 1, 5)
cases = {
    "pads 0, 1": ({"pads": [0, 1]}, 5),
    "pads 1, 0": ({"pads": [1, 0]}, 5),
    "SAME_LOWER, strides 2": ({"auto_pad": "SAME_LOWER", "strides": [2]}, 3),
}


def both(op, attributes, length):
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, n]) for name, n in (("x", 5), ("y", length))]
    node = helper.make_node(op, ["x"], ["y"], kernel_shape=[2], **attributes)
    graph = helper.make_graph([node], "g", info[:1], info[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    here = session.run(None, {"x": x})[0].ravel().tolist()
    try:
        there = ReferenceEvaluator(model).run(None, {"x": x})[0].ravel().tolist()
    except IndexError as error:
        there = f"IndexError: {error}"
    return here, there


for name, (attributes, length) in cases.items():
    here, there = both("MaxPool", attributes, length)
    shown = there if isinstance(there, str) else [int(y) for y in there]
    print(f"{name:21} onnxruntime {[int(y) for y in here]}  reference {shown}")
    assert len(here) == length and len(set(map(str, both("AveragePool", attributes, length)))) == 1
    assert "IndexError" in there if name == "pads 1, 0" else len(there) == length - 1, "the behaviour has changed"
PYTHON
