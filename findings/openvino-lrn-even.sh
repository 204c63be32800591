#!/usr/bin/env bash
# OpenVINO 2026.4.1 (onnx 1.23.2, its reference evaluator; tract 0.23.9), on the CPU.
# Guess: LRN with size=2 divides channel c by what channels c and c + 1 hold: the operator's text reaches from
# c - floor((size - 1) / 2) to c + ceil((size - 1) / 2).
# Behaviour: OpenVINO takes channel c alone, and still divides by the size: an even size is one channel short. With an
# odd size it is right. onnxruntime refuses an even size.
# Seen, of the channels 1, 2, 3, 4 with alpha = 1 (the batch of 4 is for the reference evaluator):
#   size 3: reference 0.479 0.545 0.508 0.749  tract 0.479 0.545 0.508 0.749  openvino 0.479 0.545 0.508 0.749
#   size 2: reference 0.391 0.441 0.426 0.770  tract 0.391 0.441 0.426 0.770  openvino 0.738 0.877 0.835 0.770
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 onnx==1.23.2 tract==0.23.9 openvino==2026.4.1
"$folder/venv/bin/python" - <<'PYTHON'
import pathlib
import tempfile

import numpy as np
import onnx
import openvino
import tract
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

print("openvino", openvino.__version__.split("-")[0], "onnx", onnx.__version__, "tract 0.23.9")
x = np.tile(np.array([1, 2, 3, 4], np.float32)[:, None, None], (4, 1, 1, 1))


def run(size):
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(x.shape)) for name in "xy"]
    graph = helper.make_graph([helper.make_node("LRN", ["x"], ["y"], size=size, alpha=1.0)], "g", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    compiled = openvino.compile_model(openvino.Core().read_model(model.SerializeToString()), "CPU")
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, pathlib.Path(folder) / "m.onnx")
        runnable = tract.onnx().load(pathlib.Path(folder) / "m.onnx").into_model().into_runnable()
    results = ReferenceEvaluator(model).run(None, {"x": x})[0], runnable.run([x])[0].to_numpy()
    results = [a[0].ravel() for a in (*results, compiled([x])[compiled.outputs[0]])]
    text = [" ".join(f"{v:.3f}" for v in a) for a in results]
    print(f"size {size}: reference {text[0]}  tract {text[1]}  openvino {text[2]}")
    return results


def right(before, after, size):
    squares = np.arange(1, 5) ** 2
    sums = [squares[max(c - before, 0) : c + after + 1].sum() for c in range(4)]
    return np.arange(1, 5) / (1 + np.array(sums) / size) ** 0.75


odd, even = run(3), run(2)
assert all(np.allclose(a, right(1, 1, 3), rtol=1e-3) for a in odd)
assert all(np.allclose(a, right(0, 1, 2), rtol=1e-3) for a in even[:2])
assert np.allclose(even[2], right(0, 0, 2), rtol=1e-3), "the behaviour has changed"
PYTHON
