"""The table of ops. One process for each library serves all ops: importing PyTorch once for each would take hours."""

from __future__ import annotations

import argparse
from contextlib import ExitStack

from .libraries import PLACES
from .measure import Result, Worker, take_turns
from .ops import cases
from .table import heading, progress, race_rows, render

LENGTH = 0.02  # seconds of a round: there are many of them


def main(options: argparse.Namespace) -> None:
    """Prints ours against every other library, one table for each number of threads, size and dtype."""
    libraries = options.contenders or list(PLACES)
    reference = options.reference or "torch"
    for threads in options.threads:
        results: dict[str, dict[str, Result]] = {}
        with ExitStack() as stack:
            workers = {name: stack.enter_context(Worker(f"op:{name}", threads, LENGTH)) for name in libraries}
            for case in cases(options.workloads, quick=options.quick):
                progress(case)
                results[case] = take_turns(workers, case, options.rounds)
        progress("")
        for kind in dict.fromkeys(case.partition("|")[2] for case in results):
            size, dtype = kind.split("|")
            shown = {case.partition("|")[0]: row for case, row in results.items() if case.partition("|")[2] == kind}
            print(f"## One op, forward and backward: {size} values, {dtype}\n\n{heading(threads)}")
            print(f"Best of {options.rounds} rounds; × is the ratio to {reference}, and smaller is faster.\n")
            print(render(race_rows(shown, libraries, reference, medians=False), markdown=options.markdown), "\n")
