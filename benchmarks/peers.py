"""Charting 10,000 series side by side with the quickest Python peers that have rules.

Run ``python benchmarks/peers.py [--series 10000]``. The peers are installed into
a throw-away environment of their own, one each; they are no dependencies of this
project. Every tool gets the same invented counts (80 to 400 cases a month, three
in ten met, 36 months), calculates p limits with each month's own denominator and
its own rules, one process each and one thread unless said. Figures are the median
of the runs; compare ratios, not milliseconds. Nothing is asserted.

- spcbench: `control_charts` on a pandas frame: checking the counts, limits, rules
  of mdc-2023-11, and the tables of points, signals and summary.
- pccpy: `p_chart` a series, with its tests 1, 2, 3 and 5 (no tables).
- clinical-qikit: `compute` a series, its own path without frames, with three of
  its rule sets.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

PERIODS = 36
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

COUNTS = """
import json, statistics, sys, time
import numpy as np
series, periods = int(sys.argv[1]), int(sys.argv[2])
draw = np.random.default_rng(1)
cases = draw.integers(80, 400, series * periods)
events = draw.binomial(cases, 0.3)
by_series = list(zip(events.reshape(series, periods).astype(float),
                     cases.reshape(series, periods).astype(float)))
def timed(work, runs):
    work_times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        work_times.append(time.perf_counter() - start)
    print(json.dumps(statistics.median(work_times)))
"""

OURS = """
import os
import pandas as pd
import spcbench
frame = pd.DataFrame({
    "measure": "audit@1:met",
    "unit": np.repeat([f"U{at:06d}" for at in range(series)], periods),
    "period": np.tile(pd.date_range("2022-01-01", periods=periods, freq="MS").to_numpy(), series),
    "numerator": events, "denominator": cases})
chosen = {"chart": "CHART", "rules": "RULES", "threads": THREADS, "better": "higher"}
timed(lambda: spcbench.control_charts(frame, **chosen), 9)
"""

PCCPY = """
import pccpy
timed(lambda: [pccpy.p_chart(met, all_, tests=(1, 2, 3, 5)) for met, all_ in by_series], 3)
"""

QIKIT = """
from qikit.spc.compute import compute
timed(lambda: [compute("p", met / all_, all_, method="METHOD") for met, all_ in by_series], 3)
"""


def ours(chart: str, *, rules: str = "mdc-2023-11", threads: int = 1) -> str:
    """Our script for a chart type and a rule set."""
    told = {"CHART": chart, "RULES": rules, "THREADS": str(threads)}
    script = OURS
    for word, value in told.items():
        script = script.replace(word, value)
    return script


def seconds(python: str, script: str, series: int) -> float:
    """Median time of one tool in a process of its own."""
    done = subprocess.run(
        [python, "-c", COUNTS + script, str(series), str(PERIODS)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **ONE_THREAD},
    )
    answer: float = json.loads(done.stdout.splitlines()[-1])
    return answer


def environment(folder: Path, package: str) -> str:
    """Python of a new environment that holds one package and what it needs."""
    home = folder / package.partition("=")[0]
    venv.create(home, with_pip=True)
    python = str(home / ("Scripts" if os.name == "nt" else "bin") / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", package], check=True)
    return python


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=10_000)
    series = parser.parse_args().series
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        pccpy, qikit = (
            environment(home, package) for package in ("pccpy==0.16.2", "clinical-qikit==0.5.0")
        )
        tools = [
            ("spcbench, p", sys.executable, ours("p")),
            ("spcbench, p, 2 threads", sys.executable, ours("p", threads=2)),
            ("spcbench, p, nelson-1984", sys.executable, ours("p", rules="nelson-1984")),
            ("spcbench, auto", sys.executable, ours("auto")),
            ("pccpy 0.16.2", pccpy, PCCPY),
            *(
                (f"clinical-qikit 0.5.0, {rules}", qikit, QIKIT.replace("METHOD", rules))
                for rules in ("anhoej", "weco", "nelson")
            ),
        ]
        print(f"{'tool':30}{'seconds':>10}{'times spcbench, p':>20}   ({series:,} series)")
        first = None
        for name, python, script in tools:
            found = seconds(python, script, series)
            first = first or found
            print(f"{name:30}{found:>10.3f}{found / first:>20.1f}", flush=True)


if __name__ == "__main__":
    main()
