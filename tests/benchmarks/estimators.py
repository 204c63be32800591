"""``python -m tests.benchmarks.estimators``: `NeuralClassifier` beside scikit-learn's own MLPClassifier.

Same layers, Adam with the same settings, same batches, a fixed number of epochs, float64, one thread on one processor.
The time is that of `fit`, compiling included, imports excluded; accuracy is that on a quarter held out.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported
os.environ.setdefault("OMP_NUM_THREADS", "1")

import statistics
import time
import warnings

from sklearn.datasets import load_digits, make_classification
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from micrograd_np.sklearn import NeuralClassifier

from .table import heading

SEEDS = 3


def cases():
    """By name: samples, classes, epochs."""
    for classes in (2, 5):
        x, y = make_classification(50_000, 20, n_informative=10, n_classes=classes, random_state=0)
        yield f"table 50,000 × 20, {classes} classes", x, y, 20
    x, y = load_digits(return_X_y=True)
    yield "digits 1,797 × 64", x / 16, y, 100


def timed(estimator, x, y):
    """The estimator, fitted, and the processor time that took."""
    began = time.process_time()
    estimator.fit(x, y)
    return estimator, time.process_time() - began


def main():
    """Prints the table."""
    warnings.simplefilter("ignore")  # of few epochs
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"{heading(1)}\n\n| | epochs | scikit-learn, s | ours, s | ratio | accuracies, scikit-learn | ours |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, x, y, epochs in cases():
        rows = []
        for seed in range(SEEDS):
            learn_x, test_x, learn_y, test_y = train_test_split(x, y, random_state=seed)
            fixed = {"max_iter": epochs, "tol": 0, "n_iter_no_change": epochs + 1, "alpha": 0}
            peer = timed(MLPClassifier((100,), random_state=seed, **fixed), learn_x, learn_y)
            ours = timed(NeuralClassifier((100,), epochs=epochs, random_state=seed), learn_x, learn_y)
            rows.append([*(s for _, s in (peer, ours)), *(e.score(test_x, test_y) for e, _ in (peer, ours))])
        theirs, own, *accuracies = zip(*rows, strict=True)
        ratio = statistics.median(b / a for a, b in zip(theirs, own, strict=True))
        times = " | ".join(f"{statistics.median(seconds):.3f}" for seconds in (theirs, own))
        shown = " | ".join(", ".join(f"{a:.4f}" for a in found) for found in accuracies)
        print(f"| {name} | {epochs} | {times} | {ratio:.2f} | {shown} |")


if __name__ == "__main__":
    main()
