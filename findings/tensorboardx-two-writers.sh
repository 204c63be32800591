#!/usr/bin/env bash
# tensorboardX 2.6.5.
# Guess: two writers for one folder write two files, as the event files of several runs may lie side by side.
# Behaviour: writers made within one second choose the same name, and the later one empties the file of the earlier one
# and both write over each other from the beginning: values are lost without a word.
# Seen:
#   files 1
#   written 4 values, found 2
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 tensorboardX==2.6.5
"$folder/venv/bin/python" - <<'PYTHON'
import struct
import tempfile
import time
from pathlib import Path

import tensorboardX
from tensorboardX.proto.event_pb2 import Event

print("tensorboardX", tensorboardX.__version__)


def values(path):
    """The scalars of an event file, which is a row of records: length, checksum, data, checksum."""
    data, at, found = path.read_bytes(), 0, []
    while at + 12 <= len(data):
        (n,) = struct.unpack_from("<Q", data, at)
        event = Event.FromString(data[at + 12 : at + 12 + n])
        found += [(value.tag, event.step, value.simple_value) for value in event.summary.value]
        at += 16 + n
    return found


with tempfile.TemporaryDirectory() as folder:
    time.sleep(1.05 - time.time() % 1)  # the beginning of a second
    writers = {tag: tensorboardX.SummaryWriter(folder) for tag in ("first", "second")}
    for step in range(2):
        for tag, writer in writers.items():
            writer.add_scalar(tag, step + 1.0, step)
    for writer in writers.values():
        writer.close()
    files = list(Path(folder).iterdir())
    found = [value for path in files for value in values(path)]
print("files", len(files))
print(f"written 4 values, found {len(found)}")
assert len(files) == 1 and len(found) < 4, "the behaviour has changed"
PYTHON
