"""micrograd_np: an autograd framework on NumPy that a newcomer can read and a practitioner can ship."""

__version__ = "0.1.0"

from . import autograd, functional, nn, optim, random
from .autograd import checkpoint
from .autograd.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from .check import GradcheckError, check_gradients, check_primitive, gradcheck, gradgradcheck, numeric_gradient
from .grad_mode import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .nn.functional_call import functional_call
from .pictures import Picture, draw
from .tensor import Tensor, from_dlpack, get_default_dtype, set_default_dtype
