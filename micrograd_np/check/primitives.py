"""`check_primitive`: what the suite claims of every primitive of the package, tested on one of your own."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from micrograd_np.core.primitive import Primitive

from .claims import CLAIMS, DECLARED
from .gradients import GradcheckError
from .report import Table
from .samples import Sample, samples_for


@dataclass(frozen=True)
class Finding:
    """One claim: on how many samples it was tried, and what went wrong on the first that failed, if one did."""

    claim: str
    tried: int
    failure: str = ""


class PrimitiveReport(Table):
    """The findings about one primitive; true when every claim holds.

    >>> import micrograd_np as mg
    >>> report = mg.check_primitive(mg.exp)
    >>> bool(report), type(report).__name__
    (True, 'PrimitiveReport')
    """

    def __init__(self, name: str, findings: list[Finding]) -> None:
        self.name, self.findings = name, findings
        self.failures = {f.claim: f.failure for f in findings if f.failure}  # what went wrong
        false, count = len(self.failures), len(findings)
        self.complaint = f"{name}: {f'{false} of {count} claims do not' if false else f'all {count} claims'} hold"
        words = [f.claim.replace("_", " ") for f in findings]
        cells = [
            (f"  {claim}", "FAILS" if f.failure else "holds", "" if f.tried == 1 else f"on {f.tried} samples")
            for claim, f in zip(words, findings, strict=True)
        ]
        notes = [f"{claim}:\n{f.failure}" for claim, f in zip(words, findings, strict=True) if f.failure]
        super().__init__(f"{name}:", cells, notes, self.complaint)

    def __setstate__(self, state: dict[str, Any]) -> None:
        PrimitiveReport.__init__(self, state["name"], state["findings"])  # an older pickle has these alone

    def __bool__(self) -> bool:
        return not self.failures


def check_primitive(
    op: Primitive[Any], *samples: Sample, raise_exception: bool = True, seed: int = 0
) -> PrimitiveReport:
    """Test every claim that the suite makes of a primitive on one of your own; returns the report, true when all hold.

    The samples are drawn from the op's own declaration: every one of its examples, on shapes that its contract allows
    (ordinary, broadcast, 0-d, empty), with values from its domains; your own `samples` replace them. Raises
    GradcheckError with the report where a claim fails, unless ``raise_exception=False``.

    >>> from micrograd_np.ops.transcendental import tanh
    >>> check_primitive(tanh).complaint
    'tanh: all 14 claims hold'
    """
    findings = [_finding(claim, test, [op]) for claim, test in DECLARED.items()]
    if not any(f.failure for f in findings):
        drawn = samples or tuple(samples_for(op, seed))
        findings += [_finding(claim, test, drawn) for claim, test in CLAIMS.items()]
    report = PrimitiveReport(op.name, findings)
    if not report and raise_exception:
        raise GradcheckError(report)
    return report


def _finding(claim: str, test: Any, subjects: Iterable[Any]) -> Finding:
    count = 0
    for count, subject in enumerate(subjects, 1):
        try:
            test(subject)
        except AssertionError as error:
            return Finding(claim, count, str(error))
        except Exception as error:  # noqa: BLE001  a claim that cannot be tried does not hold, whatever the error
            return Finding(claim, count, f"{subject}: {type(error).__name__}: {error}")
    return Finding(claim, count)
