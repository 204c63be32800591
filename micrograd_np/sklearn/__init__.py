"""Networks as scikit-learn estimators: in pipelines, grid searches and cross-validation."""

try:
    import sklearn as _sklearn  # noqa: F401
except ImportError:
    raise ImportError(
        "micrograd_np.sklearn: needs scikit-learn; install it with: pip install 'micrograd_np[sklearn]'"
    ) from None

from .estimators import NeuralClassifier, NeuralRegressor

__all__ = ["NeuralClassifier", "NeuralRegressor"]
