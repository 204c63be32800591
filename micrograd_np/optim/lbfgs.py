"""L-BFGS: Newton's method from the last few gradients, for small problems without noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.core.modes import mode
from micrograd_np.core.writes import writes
from micrograd_np.engine.grad_mode import set_grad_enabled

from .line_search import strong_wolfe
from .optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class LBFGS(Optimizer):
    """Up to `max_iter` quasi-Newton iterations per step, with the curvature seen in the last `history_size` of them.

    `step` needs a closure that forgets the gradients, computes the loss, calls backward and returns the loss; it is
    called up to `max_eval` times (max_iter · 5/4 unless given). An iteration moves by `lr` along the direction, or,
    with ``line_search_fn="strong_wolfe"``, to a point that satisfies the strong Wolfe conditions. It stops early when
    the largest gradient is at most `tolerance_grad`, or movement or loss change by less than `tolerance_change`. One
    group only.

    How many iterations are made depends on the values, so a step cannot be compiled: RuntimeError says so.
    Source: Nocedal & Wright (2006), algorithms 7.4 and 7.5.

    >>> from micrograd_np import Tensor
    >>> p = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = LBFGS([p], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((p - [3.0, 4.0]) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> loss = optimizer.step(closure)
    >>> p.data.round(6)
    array([3., 4.])
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "max_iter": max_iter,
                "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
                "tolerance_grad": tolerance_grad,
                "tolerance_change": tolerance_change,
                "history_size": history_size,
                "line_search_fn": line_search_fn,
            },
        )

    def check(self, group: Mapping[str, Any]) -> None:
        """Raise ValueError for a second group, or for a line search that does not exist."""
        super().check(group)
        if self.param_groups and group["params"] is not self.param_groups[0]["params"]:
            message = "LBFGS: takes one group only; all its parameters are one vector."
            raise ValueError(message)
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            message = f"LBFGS: line_search_fn must be None or 'strong_wolfe', found {group['line_search_fn']!r}."
            raise ValueError(message)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Iterate; returns the loss at the point where it began. TypeError without a closure."""
        if closure is None:
            message = "LBFGS: step needs a closure that computes the loss anew: optimizer.step(closure)."
            raise TypeError(message)
        mode.events.repeated("LBFGS")
        (group,) = self.param_groups
        state = self.state.setdefault(group["params"][0], {})
        if not state:
            state.update(func_evals=0, n_iter=0, s=[], y=[], d=None, t=1.0, gradient=None)
        first, loss, g = self._evaluated(closure)
        evaluations = 1
        for k in range(group["max_iter"]):
            if abs(g).max(initial=0.0) <= group["tolerance_grad"]:
                break
            d = self._direction(g, state, group["history_size"])
            slope = float(g @ d)
            if slope > -group["tolerance_change"]:
                break
            state["n_iter"] += 1
            t = min(1.0, 1.0 / float(abs(g).sum())) * group["lr"] if state["n_iter"] == 1 else group["lr"]
            x, before = self._gathered(), loss
            state.update(gradient=g, d=d)
            if group["line_search_fn"] is not None:

                def along(t: float, x: Any = x, d: Any = d) -> tuple[float, Any]:
                    self._write(x + t * d)
                    return self._evaluated(closure)[1:]

                t, loss, g, used = strong_wolfe(
                    along,
                    t,
                    loss,
                    g,
                    slope,
                    d,
                    most=group["max_eval"] - evaluations,
                    tolerance=group["tolerance_change"],
                )
                self._write(x + t * d)
            else:
                self._write(x + t * d)
                used = 0
                if k + 1 < group["max_iter"]:  # nobody would look at another evaluation
                    _, loss, g = self._evaluated(closure)
                    used = 1
            state["t"] = t
            evaluations += used
            if evaluations >= group["max_eval"]:
                break
            if abs(t * d).max() <= group["tolerance_change"] or abs(loss - before) < group["tolerance_change"]:
                break
        state["func_evals"] += evaluations
        return first

    @staticmethod
    def _direction(g: Any, state: dict[str, Any], size: int) -> Any:
        """−H g, with the inverse Hessian H estimated from the last steps s and changes of the gradient y (two
        loops).
        """
        if state["gradient"] is None:
            return -g
        s, y = state["s"], state["y"]
        step, change = state["t"] * state["d"], g - state["gradient"]
        if float(change @ step) > 1e-10:  # only positive curvature keeps H positive definite
            s.append(step)
            y.append(change)
            del s[:-size], y[:-size]
        q = -g
        shares = []
        for si, yi in zip(reversed(s), reversed(y), strict=True):
            a = (si @ q) / (si @ yi)
            q = q - a * yi
            shares.append(a)
        if y:
            q = q * ((s[-1] @ y[-1]) / (y[-1] @ y[-1]))
        for si, yi, a in zip(s, y, reversed(shares), strict=True):
            q = q + (a - (yi @ q) / (si @ yi)) * si
        return q

    def _evaluated(self, closure: Callable[[], Any]) -> tuple[Any, float, Any]:
        """The loss as the closure returns it, as a number, and the gradient as one vector, at the present point."""
        with set_grad_enabled(enabled=True):
            loss = closure()
        params = self.param_groups[0]["params"]
        parts = [np.zeros(p.size, p.dtype) if p._grad is None else p._grad.data.ravel() for p in params]
        return loss, float(getattr(loss, "data", loss)), np.concatenate(parts)

    def _gathered(self) -> Any:
        return np.concatenate([p.data.ravel() for p in self.param_groups[0]["params"]])

    def _write(self, x: Any) -> None:
        start = 0
        for p in self.param_groups[0]["params"]:
            p.data[...] = x[start : start + p.size].reshape(p.shape)
            writes.note(p.data)
            start += p.size

    def state_dict(self) -> dict[str, Any]:
        """The curvature history under parameter 0, in this class's own layout."""
        state = self.state.get(self.param_groups[0]["params"][0], {})
        copied = {
            name: [v.copy() for v in value] if isinstance(value, list) else value for name, value in state.items()
        }
        whole = super().state_dict()
        return {**whole, "state": {0: copied} if state else {}}

    def _adopted(self, p: Any, group: Mapping[str, Any], saved: Mapping[str, Any]) -> dict[str, Any]:
        if not saved:
            return {}
        wanted = {"func_evals", "n_iter", "s", "y", "d", "t", "gradient"}
        size = sum(q.size for q in group["params"])
        vectors = [v for name in ("s", "y") for v in saved.get(name, ())] + [
            saved[n] for n in ("d", "gradient") if n in saved
        ]
        if saved.keys() != wanted or any(v is not None and np.shape(v) != (size,) for v in vectors):
            message = (
                f"load_state_dict into LBFGS: found {', '.join(saved)}; wanted {', '.join(sorted(wanted))} "
                f"for {size} elements."
            )
            raise ValueError(message)
        return {
            name: [np.array(v) for v in value] if isinstance(value, list) else value for name, value in saved.items()
        }
