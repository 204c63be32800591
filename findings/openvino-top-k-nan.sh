#!/usr/bin/env bash
# OpenVINO 2026.4.1 and tract 0.23.9 (onnx 1.23.2, onnxruntime 1.32.0), on the CPU.
# Guess: TopK of numbers of which one is nan gives the largest of the others, or the nan and the largest.
# Behaviour: so it is in onnxruntime, which takes the nan for the largest. The other two keep it among the results
# and may lose the largest number behind it, depending on where the nan stands.
# Seen, the two largest:
#   [1.0, 2.0, 3.0, 4.0]  onnxruntime [4.0, 3.0]  openvino [4.0, 3.0]  tract [4.0, 3.0]
#   [1.0, nan, 3.0, 4.0]  onnxruntime [nan, 4.0]  openvino [1.0, nan]  tract [1.0, nan]
#   [1.0, 3.0, nan, 4.0]  onnxruntime [nan, 4.0]  openvino [4.0, 3.0]  tract [3.0, 1.0]
#   [4.0, nan, 3.0, 1.0]  onnxruntime [nan, 4.0]  openvino [4.0, nan]  tract [4.0, nan]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q \
  numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 tract==0.23.9 openvino==2026.4.1
"$folder/venv/bin/python" - <<'PYTHON'
import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime
import openvino
import tract
from onnx import TensorProto, helper, numpy_helper

print("tract 0.23.9", "openvino", openvino.__version__.split("-")[0], "onnxruntime", onnxruntime.__version__)


def run(x):
    x = np.array(x, np.float32)
    sizes = (("x", TensorProto.FLOAT, [x.size]), ("y", TensorProto.FLOAT, [2]), ("i", TensorProto.INT64, [2]))
    ends = [helper.make_tensor_value_info(*size) for size in sizes]
    two = numpy_helper.from_array(np.array([2]), "k")
    graph = helper.make_graph([helper.make_node("TopK", ["x", "k"], ["y", "i"])], "g", ends[:1], ends[1:], [two])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    saved = model.SerializeToString()
    session = onnxruntime.InferenceSession(saved, providers=["CPUExecutionProvider"])
    compiled = openvino.compile_model(openvino.Core().read_model(saved), "CPU")
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, pathlib.Path(folder) / "m.onnx")
        runnable = tract.onnx().load(pathlib.Path(folder) / "m.onnx").into_model().into_runnable()
    results = session.run(None, {"x": x})[0], compiled([x])[compiled.outputs[0]], runnable.run([x])[0].to_numpy()
    results = [a.tolist() for a in results]
    print(x.tolist(), *(f" {n} {a}" for n, a in zip(("onnxruntime", "openvino", "tract"), results)))
    return results


seen = [run(x) for x in ([1, 2, 3, 4], [1, np.nan, 3, 4], [1, 3, np.nan, 4], [4, np.nan, 3, 1])]
assert all(4.0 in row[0] for row in seen) and seen[0][1] == seen[0][2] == [4, 3]
assert 4.0 not in seen[1][1] and 4.0 not in seen[1][2] and 4.0 not in seen[2][2], "the behaviour has changed"
PYTHON
