"""k + n steps in one process, and k steps, a file, another process and n steps, end in the same bits."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import micrograd_np as mg

ROOT = Path(mg.__file__).parents[1]

RUN = """
import sys
import numpy as np
import micrograd_np as mg
from micrograd_np.data import DataLoader, TensorDataset, moons
from micrograd_np.optim import lr_scheduler
from micrograd_np.storage import load, save

path, start, stop, kind = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
mg.random.manual_seed(0 if start == 0 else 12345)  # a new process must not depend on how it was seeded
x, y = moons(50, generator=np.random.default_rng(7))
model = mg.nn.Sequential(mg.nn.Linear(2, 8), mg.nn.BatchNorm1d(8), mg.nn.Dropout(0.2), mg.nn.Linear(8, 2))
settings = {"SGD": {"momentum": 0.9, "dampening": 0.1}, "NAdam": {}, "AdamW": {"amsgrad": True}, "Muon": {}}[kind]
trained = [p for p in model.parameters() if p.ndim == 2 or kind != "Muon"]
optimizer = getattr(mg.optim, kind)(trained, lr=0.05, **settings)
schedule = lr_scheduler.SequentialLR(
    optimizer, [lr_scheduler.LinearLR(optimizer), lr_scheduler.CosineAnnealingLR(optimizer, 20)], milestones=[5]
)
average = mg.optim.ExponentialMovingAverage(model.parameters(), 0.9)

def noisy(batch, rng):
    return [batch[0] + 0.1 * rng.standard_normal((len(batch[1]), 2)), batch[1]]

loader = DataLoader(TensorDataset(x, y), 8, shuffle=True, prefetch=2, transform=noisy)
run = dict(model=model, optimizer=optimizer, schedule=schedule, average=average, loader=loader)
run["random"] = mg.random.generator()
if start:
    load(path, into=run)

def batches():
    while True:
        yield from loader

for step, (inputs, labels) in zip(range(start, stop), batches()):
    inputs = inputs + 0.05 * mg.random.generator().standard_normal(inputs.shape)
    model.zero_grad()
    mg.nn.CrossEntropyLoss()(model(inputs), labels).backward()
    mg.optim.clip_grad_norm_(model.parameters(), 0.5)
    optimizer.step()
    schedule.step()
    average.update()
save(run, path)
"""


def run(path, start, stop, kind):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", RUN, path, str(start), str(stop), kind], env=env, check=True, timeout=120)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("kind", "suffix"), [("SGD", ".npz"), ("NAdam", ".npz"), ("AdamW", ".safetensors"), ("Muon", ".npz")]
)
def test_a_run_resumed_in_another_process_ends_in_the_same_bits(tmp_path, kind, suffix):
    if suffix == ".safetensors":
        pytest.importorskip("safetensors")
    whole, part = tmp_path / f"whole{suffix}", tmp_path / f"part{suffix}"
    wanted = run(whole, 0, 24, kind)
    early = run(part, 0, 11, kind)  # in the middle of the second epoch of 7 batches
    assert early != wanted
    assert run(part, 11, 24, kind) == wanted
