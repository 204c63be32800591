"""k + n steps in one process, and k steps, a file, another process and n steps, end in the same bits."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import micrograd_np as mg

ROOT = Path(mg.__file__).parents[1]

RUN = """
import sys
import numpy as np
import micrograd_np as mg
from micrograd_np.data import DataLoader, TensorDataset, moons
from micrograd_np.optim import lr_scheduler
from micrograd_np.storage import load, save

def noisy(batch, rng):
    return [batch[0] + 0.1 * rng.standard_normal((len(batch[1]), 2)), batch[1]]

def forever(loader):
    while True:
        yield from loader

def train(path, start, stop, kind):
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
    loader = DataLoader(TensorDataset(x, y), 8, shuffle=True, prefetch=2, transform=noisy)
    run = dict(model=model, optimizer=optimizer, schedule=schedule, average=average, loader=loader)
    run["random"] = mg.random.generator()
    if start:
        load(path, into=run)
    for step, (inputs, labels) in zip(range(start, stop), forever(loader)):
        inputs = inputs + 0.05 * mg.random.generator().standard_normal(inputs.shape)
        model.zero_grad()
        mg.nn.CrossEntropyLoss()(model(inputs), labels).backward()
        mg.optim.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        schedule.step()
        average.update()
    save(run, path)

for run in sys.argv[1:]:
    path, start, stop, kind = run.split("|")
    train(path, int(start), int(stop), kind)
"""
EARLY = 11
"""In the middle of the second epoch of 7 batches."""


def run(*runs):
    """Train in one new process: path, first step, last step and optimiser of each run."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    programs = ["|".join(map(str, one)) for one in runs]
    subprocess.run([sys.executable, "-c", RUN, *programs], env=env, check=True, timeout=120)


def test_runs_resumed_in_another_process_end_in_the_same_bits(tmp_path):
    kinds = {"SGD": ".npz", "NAdam": ".npz", "Muon": ".npz"}
    if find_spec("safetensors"):
        kinds["AdamW"] = ".safetensors"
    whole, part = ({kind: tmp_path / f"{title}-{kind}{kinds[kind]}" for kind in kinds} for title in ("whole", "part"))
    run(*((whole[kind], 0, 24, kind) for kind in kinds), *((part[kind], 0, EARLY, kind) for kind in kinds))
    wanted = {kind: whole[kind].read_bytes() for kind in kinds}
    assert all(part[kind].read_bytes() != wanted[kind] for kind in kinds)
    run(*((part[kind], EARLY, 24, kind) for kind in kinds))
    assert [kind for kind in kinds if part[kind].read_bytes() != wanted[kind]] == []
