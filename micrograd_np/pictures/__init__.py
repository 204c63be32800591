"""Pictures of computation graphs, of networks, of what a model says over a plane, and of training."""

from micrograd_np.core.messages import explain_all_keywords as _explain_all_keywords
from micrograd_np.core.spellings import explain_names as _explain_names

from .graph import draw
from .network import draw_network
from .picture import Picture
from .plot import Plot, draw_boundary
from .steps import Steps, draw_steps

__all__ = ["Picture", "Plot", "Steps", "draw", "draw_boundary", "draw_network", "draw_steps"]

_explain_all_keywords(__all__, globals(), always=True)
_explain_names(globals())
