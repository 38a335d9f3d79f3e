"""How often each rule set signals when nothing happens.

Run ``python benchmarks/false_alarms.py [SERIES] [RUNS] [SET ...]`` (100,000 and
200,000; all sets). Prints the table of docs/rules.md with the Monte Carlo standard
errors, and the figures that ``builtin/rule_sets.py`` holds. Nothing is asserted.
"""

from __future__ import annotations

import sys
import time

from spcbench.numeric.false_alarms import average_run_length, chance_of_any
from spcbench.plugin import PluginHost, RuleSet

SEED = 1
POINTS = (12, 24, 36, 60)


def line(rule_set: RuleSet, *, series: int, runs: int) -> str:
    rules = [rule.detect for rule in rule_set.rules]
    marking = [rule.judged_by != "chart" for rule in rule_set.rules]
    moving_limits = not all(marking)
    chances = {
        (points, estimated): chance_of_any(
            rules,
            points,
            estimated=estimated,
            runs=series,
            seed=SEED,
            centre="median" if moving_limits else "mean",
            marking=marking,
        )
        for points in POINTS
        for estimated in (True, False)
    }
    cells = [rule_set.id]
    if moving_limits:
        cells.append("-")
    else:
        found = average_run_length(rules, runs=runs, seed=SEED)
        cells.append(f"{found.mean:.2f} ± {found.error:.2f}")
    cells += [
        f"{one.any_signal:.4f} ± {one.any_error:.4f}"
        for one in (chances[points, True] for points in POINTS)
    ]
    cells.append(f"{chances[24, False].any_signal:.4f}")
    for estimated in (True, False):
        one = chances[24, estimated]
        cells.append(f"{one.latest:.4f} ± {one.latest_error:.4f}")
    return " | ".join(cells)


def main() -> None:
    series, runs = (int(one) for one in (*sys.argv[1:3], "100000", "200000")[:2])
    wanted = sys.argv[3:]
    print("set | ARL | any signal in", *POINTS, "(estimated) | in 24 (known)", end=" ")
    print("| latest of 24: estimated | known")
    for one in PluginHost(discover=False).rule_sets():
        if not wanted or one.id in wanted:
            begun = time.perf_counter()
            print(line(one.record, series=series, runs=runs), end="")
            print(f"   ({time.perf_counter() - begun:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
