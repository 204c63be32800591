"""Optimisers, schedules for their learning rates, clipping and averaging: PyTorch's names, arguments and defaults."""

from micrograd_np.core.messages import explain_all_keywords as _explain_all_keywords
from micrograd_np.core.settings import check_all as _check_all
from micrograd_np.core.spellings import explain_names as _explain_names

from . import lr_scheduler
from .adadelta import Adadelta
from .adafactor import Adafactor
from .adagrad import Adagrad
from .adam import Adam, AdamW
from .adamax import Adamax
from .asgd import ASGD
from .average import ExponentialMovingAverage
from .clip import clip_grad_norm_, clip_grad_value_
from .lbfgs import LBFGS
from .muon import Muon
from .nadam import NAdam
from .optimizer import Optimizer
from .radam import RAdam
from .rmsprop import RMSprop
from .rprop import Rprop
from .sgd import SGD
from .vector import parameters_to_vector, vector_to_parameters

__all__ = [
    "ASGD", "LBFGS", "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "ExponentialMovingAverage",
    "Muon", "NAdam", "Optimizer", "RAdam", "RMSprop", "Rprop", "clip_grad_norm_", "clip_grad_value_", "lr_scheduler",
    "parameters_to_vector", "vector_to_parameters",
]  # fmt: skip

_check_all(__all__, globals())
_explain_all_keywords(__all__, globals(), always=True)
_explain_names(globals())
