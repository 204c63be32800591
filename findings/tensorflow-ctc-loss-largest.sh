#!/usr/bin/env bash
# tensorflow-cpu 2.21.0 (numpy 2.4.6).
# Guess: the CTC loss of one frame is minus its log probability, and infinite where no path gives the label, as for two
# equal labels in two frames, which need a blank between them.
# Behaviour: log 0 is stood for by a number near -707, at which all losses end: a label of log probability -1000 has a
# loss of 706.9, and one that is impossible 707.7, so that a mean over a batch tells neither from the other.
# Seen:
#   log probability -500    500.0
#   log probability -1000   706.9
#   impossible              707.7
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 tensorflow-cpu==2.21.0
"$folder/venv/bin/python" - <<'PYTHON'
import os
from importlib.metadata import version

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf

print("tensorflow-cpu", version("tensorflow-cpu"))


def loss(logits, label):
    return float(tf.nn.ctc_loss([label], tf.constant(logits), [len(label)], [len(logits)], blank_index=0)[0])


seen = [loss([[[0.0, float(-n), -2000.0]]], [1]) for n in (500, 1000)]
seen.append(loss([[[0.0, 0.0, 0.0]]] * 2, [1, 1]))
for name, number in zip(("log probability -500", "log probability -1000", "impossible"), seen):
    print(f"{name:22}  {number:.1f}")
assert seen[0] == 500 and 706 < seen[1] < seen[2] < 708, "the behaviour has changed"
PYTHON
