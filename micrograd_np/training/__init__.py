"""A training loop and its parts: metrics, a history, a record of the layers, and a linter for training steps."""

from micrograd_np.core.messages import explain_all_keywords as _explain_all_keywords
from micrograd_np.core.spellings import explain_names as _explain_names

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

_explain_all_keywords(__all__, globals(), always=True)
_explain_names(globals())
