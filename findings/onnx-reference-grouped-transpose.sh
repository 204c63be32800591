#!/usr/bin/env bash
# onnx 1.23.2, its reference evaluator.
# Guess: a ConvTranspose of 4 channels in 2 groups runs, as it does in onnxruntime.
# Behaviour: ValueError, from a reshape, wherever a group has more than one channel; one channel a group works.
# Seen:
#   channels a group: 1  onnxruntime shape (1, 2, 5)  reference shape (1, 2, 5)
#   channels a group: 2  onnxruntime shape (1, 2, 5)  reference ValueError: cannot reshape array of size 2 into shape (1,2,2)
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
seen = []
for channels in (1, 2):
    arrays = {
        "x": np.ones((1, 2 * channels, 4), np.float32),
        "w": np.ones((2 * channels, 1, 2), np.float32),
    }
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, a.shape) for name, a in arrays.items()]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 5])]
    graph = helper.make_graph([helper.make_node("ConvTranspose", ["x", "w"], ["y"], group=2)], "g", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (y,) = session.run(None, arrays)
    try:
        found = f"shape {ReferenceEvaluator(model).run(None, arrays)[0].shape}"
    except ValueError as error:
        found = f"ValueError: {error}"
    seen.append(found)
    print(f"channels a group: {channels}  onnxruntime shape {y.shape}  reference {found}")
assert seen[0] == "shape (1, 2, 5)" and seen[1].startswith("ValueError"), "the behaviour has changed"
PYTHON
