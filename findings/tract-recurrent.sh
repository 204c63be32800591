#!/usr/bin/env bash
# tract 0.23.9 (onnx 1.23.2, onnxruntime 1.32.0), on the CPU.
# Guess: an RNN or a GRU runs as its attributes say, or the runtime refuses an attribute that it does not know.
# Behaviour: direction="reverse", activations and clip of an RNN, and direction and clip of a GRU, are passed over
# without a word: the layer runs forwards, with Tanh, without clipping.
# Seen, last hidden state; "plain" is the layer without the attribute:
#   RNN plain              onnxruntime -0.255  0.255  tract -0.255  0.255
#   RNN direction=reverse  onnxruntime -0.010  0.010  tract -0.255  0.255
#   RNN clip=0.2           onnxruntime -0.197  0.197  tract -0.255  0.255
#   RNN activations=Relu   onnxruntime  1.437  0.000  tract -0.255  0.255
#   GRU plain              onnxruntime -0.419 -0.230  tract -0.419 -0.230
#   GRU direction=reverse  onnxruntime -0.279 -0.203  tract -0.419 -0.230
#   GRU clip=0.2           onnxruntime -0.070  0.030  tract -0.419 -0.230
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

print("tract 0.23.9", "onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
random = np.random.default_rng(0)
x = random.standard_normal((3, 1, 2)).astype(np.float32)


def states(op, gates, **attributes):
    weights = [np.full((1, gates * 2, n), 1.5, np.float32) * [[[1], [-1]] * gates] for n in (2, 2)]
    node = helper.make_node(op, ["x", "w", "r"], ["", "h"], hidden_size=2, **attributes)
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", [3, 1, 2]), ("h", [1, 1, 2]))]
    arrays = [numpy_helper.from_array(w.astype(np.float32), n) for n, w in zip("wr", weights)]
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], arrays)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, pathlib.Path(folder) / "m.onnx")
        other = tract.onnx().load(pathlib.Path(folder) / "m.onnx").into_model().into_runnable().run([x])[0].to_numpy()
    return [" ".join(f"{v:6.3f}" for v in a.ravel() + 0.0) for a in (session.run(None, {"x": x})[0], other)]


passed_over = []
for op, gates in (("RNN", 1), ("GRU", 3)):
    kinds = [{}, {"direction": "reverse"}, {"clip": 0.2}, *([{"activations": ["Relu"]}] if op == "RNN" else [])]
    for attributes in kinds:
        runtime, other = states(op, gates, **attributes)
        plain = other if not attributes else plain
        passed_over.append((runtime == plain, other == plain))
        named = " ".join(f"{k}={v[0] if isinstance(v, list) else v}" for k, v in attributes.items()) or "plain"
        print(f"{op} {named:18} onnxruntime {runtime}  tract {other}")
assert [a for a, _ in passed_over] == [True, False, False, False, True, False, False]
assert all(b for _, b in passed_over), "the behaviour has changed"
PYTHON
