"""``python -m tests.benchmarks TABLE``: measures and prints one table."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from .contenders import REQUIRES
from .measure import Result, race
from .table import first_rows, heading, progress, race_rows, render
from .tables import TABLES
from .workloads import Workload, matching

ROUNDS, QUICK_ROUNDS = 15, 5
LENGTH = 0.06  # seconds of a round: long beside the clock's grain, short beside the machine's moods


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("table", choices=[*TABLES, "ops", "memory", "distributed"])
    parser.add_argument("--quick", action="store_true", help="fewer workloads and rounds, one thread")
    parser.add_argument("--threads", help="numbers of threads, as in 1,2 (the default)")
    parser.add_argument("--dtypes", help="float32 (the default), float64, or both with a comma")
    parser.add_argument("--rounds", type=int, help=f"rounds for each contender ({ROUNDS}; {QUICK_ROUNDS} if quick)")
    parser.add_argument("--contenders", help=f"some of {','.join(REQUIRES)}")
    parser.add_argument("--workloads", default="", help="parts of names, or shell patterns, as in 'lstm,*@1:infer'")
    parser.add_argument("--reference", help="the contender to which ratios are taken")
    parser.add_argument("--medians", action="store_true", help="print a second table, of median rounds")
    parser.add_argument("--markdown", action="store_true", help="print tables in Markdown")
    options = parser.parse_args(given)
    options.threads = [int(n) for n in (options.threads or ("1" if options.quick else "1,2")).split(",")]
    options.dtypes = (options.dtypes or "float32").split(",")
    options.rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    options.workloads = [part for part in options.workloads.split(",") if part]
    options.contenders = options.contenders.split(",") if options.contenders else []
    unknown = [name for name in [*options.contenders, *filter(None, [options.reference])] if name not in REQUIRES]
    if unknown and options.table in TABLES:
        parser.error(f"--contenders: there is no {', '.join(unknown)}; there are {', '.join(REQUIRES)}")
    return options


def races(options: argparse.Namespace) -> None:
    """Prints a table of races, one for each number of threads."""
    table = TABLES[options.table]
    workloads = matching(table.quick if options.quick else table.workloads, options.workloads)
    if options.workloads and not workloads:
        workloads = matching(table.workloads, options.workloads)
    contenders = options.contenders or list(table.contenders)
    table = replace(table, reference=options.reference or table.reference)
    for threads, dtype in product(options.threads, options.dtypes):
        print(f"## {table.title}, {dtype}\n\n{heading(threads)}")
        results: dict[str, dict[str, Result]] = {}
        for workload in workloads if dtype == "float32" else map(Workload.in_float64, workloads):
            progress(workload.name)
            results[workload.name] = race(contenders, workload.name, threads, options.rounds, LENGTH)
        progress("")
        print(f"Best of {options.rounds} rounds; × is the ratio to {table.reference}, and smaller is faster.\n")
        print(render(race_rows(results, contenders, table.reference, medians=False), markdown=options.markdown), "\n")
        if options.medians:
            print("Median rounds.\n")
            print(
                render(race_rows(results, contenders, table.reference, medians=True), markdown=options.markdown), "\n"
            )
        if table.first_steps:
            print("Time to the end of the first step, tracing and compiling included.\n")
            rows = first_rows(results, contenders, "ours_compiled")
            print(render(rows, markdown=options.markdown), "\n")


def main(given: Sequence[str] | None = None) -> None:
    """Runs the command line."""
    options = arguments(given)
    if options.table == "ops":
        from .op_table import main as ops

        ops(options)
    elif options.table == "memory":
        from .memory import main as memory

        memory(options)
    elif options.table == "distributed":
        from .distributed import main as distributed

        distributed(options)
    else:
        races(options)


if __name__ == "__main__":
    main()
