"""A training loop and its parts: metrics, a history, a record of the layers, and a linter for training steps."""

from .callbacks import CSVLog, TensorBoard
from .fit import evaluate, fit
from .history import History
from .lint import LintWarning, lint
from .metrics import accuracy, binary_accuracy, confusion_matrix, r2_score
from .record import Record

__all__ = [
    "CSVLog", "History", "LintWarning", "Record", "TensorBoard", "accuracy", "binary_accuracy", "confusion_matrix",
    "evaluate", "fit", "lint", "r2_score",
]  # fmt: skip
