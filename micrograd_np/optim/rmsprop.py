"""RMSprop: steps scaled by the running root mean square of the gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from micrograd_np.ops.transcendental import sqrt

from .optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class RMSprop(Optimizer):
    """p ← p − lr · g / (√v + ε), with v the running mean of g², or of its variance if `centered`.

    With `momentum` μ: b ← μ b + g / (√v + ε), p ← p − lr · b. Source: Hinton (2012), lecture 6; Graves (2013) for
    `centered`.

    >>> from micrograd_np import Tensor
    >>> p = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = RMSprop([p], lr=0.01)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data.round(6)
    array([ 0.9, -1.9])
    """

    slots = ("square_avg", "momentum_buffer", "grad_avg")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "alpha": alpha,
                "eps": eps,
                "centered": centered,
                "weight_decay": weight_decay,
                "maximize": maximize,
            },
        )

    def check(self, group: Mapping[str, Any]) -> None:
        """Raise ValueError for settings that make no sense."""
        super().check(group)
        if not group["alpha"] >= 0:
            message = f"RMSprop: alpha must not be negative, found {group['alpha']}."
            raise ValueError(message)

    def kept(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """The mean gradient only if centred, the buffer only with momentum."""
        wanted = (True, group["momentum"], group["centered"])
        return tuple(name for name, keep in zip(self.slots, wanted, strict=True) if keep)

    @staticmethod
    def scalars(group: Mapping[str, Any], t: int) -> dict[str, Any]:
        """The same at every step."""
        return {
            "lr": group["lr"],
            "alpha": group["alpha"],
            "share": 1 - group["alpha"],
            "eps": group["eps"],
            "weight_decay": group["weight_decay"],
            "momentum": group["momentum"],
            "centered": group["centered"],
            "maximize": group["maximize"],
        }

    @staticmethod
    def update(
        p: Any,
        g: Any,
        state: Mapping[str, Any],
        *,
        lr: Any,
        alpha: Any,
        share: Any,
        eps: Any,
        weight_decay: Any,
        momentum: Any,
        centered: bool,
        maximize: bool,
    ) -> None:
        """One step of one parameter."""
        if maximize:
            g = -g
        if weight_decay:
            g = g + weight_decay * p
        v = state["square_avg"]
        v *= alpha
        v += share * (g * g)
        if centered:
            mean = state["grad_avg"]
            mean *= alpha
            mean += share * g
            v = v - mean * mean
        d = sqrt(v)
        d += eps
        g = g / d
        if momentum:
            b = state["momentum_buffer"]
            b *= momentum
            b += g
            g = b
        p -= lr * g
