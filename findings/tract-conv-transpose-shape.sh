#!/usr/bin/env bash
# tract 0.23.9 (onnx 1.23.2, onnxruntime 1.32.0), on the CPU.
# Guess: a ConvTranspose with output_shape, without auto_pad, cuts an odd surplus at the beginning, as the operator's
# formulas say: pads[start] = total - total / 2, unless auto_pad is SAME_UPPER.
# Behaviour: it cuts it at the end, as SAME_UPPER does, so that every number of the result stands one place later.
# Seen:
#   output_shape 7: onnxruntime [1, 10, 102, 20, 203, 30, 300]  tract [1, 10, 102, 20, 203, 30, 300]
#   output_shape 6: onnxruntime [10, 102, 20, 203, 30, 300]  tract [1, 10, 102, 20, 203, 30]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 tract==0.23.9
"$folder/venv/bin/python" - <<'PYTHON'
import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime
import tract
from onnx import TensorProto, helper, numpy_helper

print("tract 0.23.9", "onnxruntime", onnxruntime.__version__)
x = np.array([[[1, 2, 3]]], np.float32)
kernel = numpy_helper.from_array(np.array([[[1, 10, 100]]], np.float32), "w")


def run(n, **attributes):
    ends = [helper.make_tensor_value_info(a, TensorProto.FLOAT, [1, 1, s]) for a, s in (("x", 3), ("y", n))]
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2], **attributes)
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], [kernel])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    saved = model.SerializeToString()
    session = onnxruntime.InferenceSession(saved, providers=["CPUExecutionProvider"])
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, pathlib.Path(folder) / "m.onnx")
        runnable = tract.onnx().load(pathlib.Path(folder) / "m.onnx").into_model().into_runnable()
    results = session.run(None, {"x": x})[0], runnable.run([x])[0].to_numpy()
    results = [a.ravel().astype(int).tolist() for a in results]
    print(f"output_shape {n}: onnxruntime {results[0]}  tract {results[1]}")
    return results


seen = run(7, output_shape=[7]), run(6, output_shape=[6])
assert seen[0][0] == seen[0][1] and seen[1][0] == seen[0][0][1:]
assert seen[1][1] == seen[0][0][:-1], "the behaviour has changed"
PYTHON
