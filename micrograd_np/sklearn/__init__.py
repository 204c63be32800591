"""Networks as scikit-learn estimators: in pipelines, grid searches and cross-validation."""

from micrograd_np.core.spellings import explain_names as _explain_names

try:
    import sklearn as _sklearn  # noqa: F401
except ImportError:
    raise ImportError(
        "micrograd_np.sklearn: needs scikit-learn; install it with: pip install 'micrograd_np[sklearn]'"
    ) from None

from .estimators import NeuralClassifier, NeuralRegressor

__all__ = ["NeuralClassifier", "NeuralRegressor"]

_explain_names(globals())
