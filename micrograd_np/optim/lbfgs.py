"""L-BFGS: Newton's method from the last few gradients, for small problems without noise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from micrograd_np.core.messages import require_value
from micrograd_np.core.modes import mode
from micrograd_np.core.writes import writes
from micrograd_np.engine.grad_mode import set_grad_enabled

from .line_search import strong_wolfe
from .optimizer import Optimizer


class LBFGS(Optimizer):
    """Up to `max_iter` quasi-Newton iterations per step, with the curvature seen in the last `history_size` of them.

    `step` needs a closure that forgets the gradients, computes the loss, calls backward and returns the loss; it is
    called up to `max_eval` times (max_iter · 5/4 unless given). An iteration moves by `lr` along the direction, or,
    with ``line_search_fn="strong_wolfe"``, to a point that satisfies the strong Wolfe conditions. It stops early when
    the largest gradient is at most `tolerance_grad`, or movement or loss change by less than `tolerance_change`. One
    group only.

    The number of iterations depends on the values, so a step cannot be compiled: RuntimeError says so.
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
        max_eval = max_iter * 5 // 4 if max_eval is None else max_eval
        super().__init__(params, locals())

    def check(self, group: Mapping[str, Any]) -> None:
        super().check(group)
        first = self.param_groups[0] if self.param_groups else group
        self.require(group["params"] is first["params"], "takes one group only; all its parameters are one vector.")
        search = group["line_search_fn"]
        suits = search in (None, "strong_wolfe")
        require_value(self._name, "line_search_fn", search, suits, "None or 'strong_wolfe'")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Iterate; returns the loss at the point where it began. TypeError without a closure."""
        if closure is None:
            raise TypeError("LBFGS: step needs a closure that computes the loss anew: optimizer.step(closure).")
        mode.events.repeated("LBFGS")
        (group,) = self.param_groups
        state = self.state.setdefault(group["params"][0], {})
        if not state:
            state.update(func_evals=0, n_iter=0, s=[], y=[], d=None, t=1.0, gradient=None)
        first, loss, g = self._evaluated(closure)
        evaluations, tolerance, searches = 1, group["tolerance_change"], group["line_search_fn"] is not None
        for k in range(group["max_iter"]):
            if abs(g).max(initial=0.0) <= group["tolerance_grad"]:
                break
            d = self._direction(g, state, group["history_size"])
            slope = float(g @ d)
            if slope > -tolerance:
                break
            state["n_iter"] += 1
            t = min(1.0, 1.0 / float(abs(g).sum())) * group["lr"] if state["n_iter"] == 1 else group["lr"]
            x, previous_loss = self._gathered(), loss
            state.update(gradient=g, d=d)
            if searches:

                def along(t: float, x: Any = x, d: Any = d) -> tuple[float, Any]:
                    self._write(x + t * d)
                    return self._evaluated(closure)[1:]

                most = group["max_eval"] - evaluations
                t, loss, g, used = strong_wolfe(along, t, loss, g, slope, d, most=most, tolerance=tolerance)
                evaluations += used
            self._write(x + t * d)
            if not searches and k + 1 < group["max_iter"]:  # nothing reads an evaluation after the last
                _, loss, g = self._evaluated(closure)
                evaluations += 1
            state["t"] = t
            if evaluations >= group["max_eval"]:
                break
            if abs(t * d).max() <= tolerance or abs(loss - previous_loss) < tolerance:
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
        state = self.state.get(self.param_groups[0]["params"][0])
        return {**super().state_dict(), "state": {0: _copied(state)} if state else {}}

    def _adopted(self, p: Any, group: Mapping[str, Any], saved: Mapping[str, Any]) -> dict[str, Any]:
        if not saved:
            return {}
        names = {"func_evals", "n_iter", "s", "y", "d", "t", "gradient"}
        size = sum(q.size for q in group["params"])
        vectors = [*saved.get("s", ()), *saved.get("y", ()), saved.get("d"), saved.get("gradient")]
        if saved.keys() != names or any(v is not None and np.shape(v) != (size,) for v in vectors):
            raise ValueError(
                f"load_state_dict into LBFGS: found {', '.join(saved)}; wanted {', '.join(sorted(names))} "
                f"for {size} elements."
            )
        return _copied(saved)


def _copied(state: Mapping[str, Any]) -> dict[str, Any]:
    return {name: [np.array(v) for v in value] if isinstance(value, list) else value for name, value in state.items()}
