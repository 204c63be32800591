"""Data-parallel training on MPI and Ray, whose result does not depend on how many workers there are: bit for bit."""

from micrograd_np.core.messages import explain_all_keywords as _explain_all_keywords
from micrograd_np.core.spellings import explain_names as _explain_names

from .step import DataParallel, data_parallel

__all__ = ["DataParallel", "data_parallel"]

_explain_all_keywords(__all__, globals(), always=True)
_explain_names(globals())
