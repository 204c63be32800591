"""Layers, losses, and the modules that hold them: PyTorch's names, arguments, defaults and state-dict keys."""

from .activation import ReLU, Sigmoid, Tanh
from .container import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from .linear import Linear
from .loss import BCELoss, CrossEntropyLoss, MSELoss
from .module import Module
from .parameter import Buffer, Parameter

__all__ = [
    "BCELoss",
    "Buffer",
    "CrossEntropyLoss",
    "Linear",
    "MSELoss",
    "Module",
    "ModuleDict",
    "ModuleList",
    "Parameter",
    "ParameterDict",
    "ParameterList",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
]
