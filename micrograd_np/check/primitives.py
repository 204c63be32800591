"""`check_primitive`: what the suite claims of every primitive of the package, claimed of one of your own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

from micrograd_np.core.primitive import Primitive
from micrograd_np.core.terminal import shown

from .claims import CLAIMS, DECLARED
from .insist import GradcheckError
from .samples import Sample, usual_samples


@dataclass(frozen=True)
class Finding:
    """One claim: on how many samples it was tried, and what went wrong on the first that failed, if one did."""

    claim: str
    tried: int
    failure: str = ""


class PrimitiveReport:
    """The findings about one primitive; true when every claim holds."""

    def __init__(self, name: str, findings: list[Finding]) -> None:
        self.name = name
        self.findings = findings

    def __bool__(self) -> bool:
        return not self.failures

    @property
    def failures(self) -> dict[str, str]:
        """What went wrong, by claim."""
        return {f.claim: f.failure for f in self.findings if f.failure}

    @property
    def complaint(self) -> str:
        """The report in one sentence."""
        if not self.failures:
            return f"{self.name}: all {len(self.findings)} claims hold"
        return f"{self.name}: {len(self.failures)} of {len(self.findings)} claims do not hold"

    def __repr__(self) -> str:
        wide = max(len(f.claim) for f in self.findings)
        lines = [
            f"  {_words(f.claim).ljust(wide)}  {'FAILS' if f.failure else 'holds'}  {_often(f.tried)}".rstrip()
            for f in self.findings
        ]
        told = [f"{_words(claim)}:\n{failure}" for claim, failure in self.failures.items()]
        return shown("\n".join((f"{self.name}:", *lines, *told)))

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(_words(f.claim))}</td><td>{'<b>fails</b>' if f.failure else 'holds'}</td>"
            f"<td>{escape(_often(f.tried))}</td><td><pre>{escape(f.failure)}</pre></td></tr>"
            for f in self.findings
        )
        return f"<table><caption>{escape(self.complaint)}</caption><tbody>{rows}</tbody></table>"


def _words(claim: str) -> str:
    return claim.replace("_", " ")


def _often(tried: int) -> str:
    return "" if tried == 1 else f"on {tried} samples"


def check_primitive(
    op: Primitive[Any], *samples: Sample, raise_exception: bool = True, seed: int = 0
) -> PrimitiveReport:
    """Try every claim the suite makes of a primitive on one of your own; returns the report, true when all hold.

    The samples are drawn from the op's own declaration: every one of its examples, on shapes that its contract allows
    (ordinary, broadcast, 0-d, empty), with values from its domains; give `samples` to use those instead. Raises
    GradcheckError with the report where a claim fails, unless ``raise_exception=False``.

    >>> from micrograd_np.ops.transcendental import tanh
    >>> check_primitive(tanh).complaint
    'tanh: all 13 claims hold'
    """
    findings = [_found(claim, test, [op]) for claim, test in DECLARED.items()]
    if not any(f.failure for f in findings):
        drawn = samples or tuple(usual_samples(op, seed))
        findings += [_found(claim, test, drawn) for claim, test in CLAIMS.items()]
    report = PrimitiveReport(op.name, findings)
    if not report and raise_exception:
        raise GradcheckError(report)
    return report


def _found(claim: str, test: Any, subjects: Iterable[Any]) -> Finding:
    tried = 0
    for subject in subjects:
        tried += 1
        try:
            test(subject)
        except AssertionError as error:
            return Finding(claim, tried, str(error))
        except Exception as error:  # noqa: BLE001  a claim that cannot be tried does not hold, whatever came in between
            return Finding(claim, tried, f"{subject}: {type(error).__name__}: {error}")
    return Finding(claim, tried)
