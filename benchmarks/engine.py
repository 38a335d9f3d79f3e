"""What charting costs: time a row and peak memory, by the number of series.

Run ``python benchmarks/engine.py``, or ``python benchmarks/engine.py charts``
for every chart type and rule set. Each line is measured in a process of its
own, median of several runs:

- copy: plain `numpy.copyto` of as many bytes as the kernel gives back, into
  fresh memory; no engine can be quicker.
- kernel: p limits and the four rules of mdc-2023-11 on arrays; on one thread,
  and on two.
- public: `spcbench.control_charts` with ``chart="p"`` on a pandas frame of
  counts; auto: the same with ``chart="auto"``.
- chart types: each built-in one without rules; rule sets: each built-in one on
  p limits, less the time of the limits.

Peak memory is what the process grew by beyond its input. Nothing is asserted.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

PERIODS = 36
SERIES = (1_000, 10_000, 100_000)
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def counts(series: int) -> tuple[Any, Any]:
    """Events and cases of a typical unit: 80 to 400 cases a month, three in ten met."""
    import numpy as np

    draw = np.random.default_rng(1)
    cases = draw.integers(80, 400, series * PERIODS)
    return draw.binomial(cases, 0.3), cases


def flat(series: int) -> Any:
    """All columns that any chart type may want, as arrays."""
    import numpy as np

    from spcbench.numeric.limits import Series
    from spcbench.numeric.segments import Segments

    events, cases = (array.astype(np.float64) for array in counts(series))
    draw = np.random.default_rng(2)
    return Series(
        value=events / cases,
        numerator=events,
        denominator=cases,
        expected=cases * 0.3,
        mean=draw.normal(50.0, 1.0, events.size),
        sd=draw.uniform(8.0, 12.0, events.size),
        in_baseline=np.ones(events.size, dtype=np.bool_),
        gap=np.zeros(events.size, dtype=np.bool_),
        segments=Segments.from_lengths(np.full(series, PERIODS)),
    )


def kernel(series: int, threads: int = 1) -> Callable[[], Any]:
    return _charting(series, "p", "mdc-2023-11", threads)


def _charting(series: int, chart_type: str, rule_set: str, threads: int) -> Callable[[], Any]:
    from dataclasses import replace

    from spcbench.chart_running import Plan, run
    from spcbench.numeric.engine import chart
    from spcbench.numeric.limits import ChartOptions
    from spcbench.plugin import default_host

    host = default_host()
    kind = host.chart(chart_type)
    rows = flat(series)
    if kind.takes == "count":
        rows = replace(rows, value=rows.numerator)
    elif kind.takes == "subgroup":
        rows = replace(rows, value=rows.mean)
    elif kind.takes == "event":
        rows = replace(rows, value=rows.numerator)
    if rule_set == "none":
        options = ChartOptions(settings={name: one.default for name, one in kind.settings.items()})
        return lambda: chart(rows, options, limits=kind.limits, rules=[], threads=threads)
    plan = Plan(rule_set=host.rule_set(rule_set), settings={}, threads=threads)
    return lambda: run(rows, kind, plan)


def copy(series: int) -> Callable[[], Any]:
    from dataclasses import fields

    import numpy as np

    made = kernel(series)()
    arrays = [getattr(made.limits, field.name) for field in fields(made.limits)]
    arrays = [array for array in arrays if array is not None]
    arrays += [made.side, made.fired, made.dispersion, made.known]

    def copied() -> list[Any]:
        fresh = [np.empty_like(array) for array in arrays]
        for target, source in zip(fresh, arrays, strict=True):
            np.copyto(target, source)
        return fresh

    return copied


def public(series: int, chart: str = "p") -> Callable[[], Any]:
    import numpy as np
    import pandas as pd

    import spcbench

    events, cases = counts(series)
    frame = pd.DataFrame(
        {
            "measure": "audit@1:met",
            "unit": np.repeat([f"U{at:06d}" for at in range(series)], PERIODS),
            "period": np.tile(
                pd.date_range("2022-01-01", periods=PERIODS, freq="MS").to_numpy(), series
            ),
            "numerator": events,
            "denominator": cases,
        }
    )
    return lambda: spcbench.control_charts(frame, chart=chart, better="higher")


KINDS: dict[str, Callable[[int], Callable[[], Any]]] = {
    "copy": copy,
    "kernel": kernel,
    "kernel, 2 threads": lambda series: kernel(series, 2),
    "public": public,
    "auto": lambda series: public(series, "auto"),
}


def work_of(kind: str) -> Callable[[int], Callable[[], Any]]:
    """Work by name: one of `KINDS`, or ``chart type/rule set/threads``."""
    if kind in KINDS:
        return KINDS[kind]
    chart_type, rule_set, threads = kind.split("/")
    return lambda series: _charting(series, chart_type, rule_set, int(threads))


def peak() -> int:
    """The most memory that this process has held, in bytes."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held if sys.platform == "darwin" else held * 1024


def measure(kind: str, series: int) -> dict[str, float]:
    """Time and memory of one kind of work, in this process."""
    work_of(kind)(3)()  # loads every module
    work = work_of(kind)(series)
    before = peak()
    work()
    grown = peak() - before
    times = []
    while len(times) < 3 or (sum(times) < 2.0 and len(times) < 30):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    rows = series * PERIODS
    return {"ns": statistics.median(times) / rows * 1e9, "mb": grown / 1e6}


def in_own_process(kind: str, series: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, kind, str(series)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **ONE_THREAD},
    )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def cold_start(*arguments: str, runs: int = 11) -> float:
    """Median seconds of a new Python doing that."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    print(f"{'work':20}{'series':>10}{'rows':>12}{'ns a row':>12}{'peak MB':>10}")
    for series in SERIES:
        for kind in KINDS:
            line(kind, kind, series)
    print()
    for title, arguments in (
        ("python -c pass", ("-c", "pass")),
        ("spcbench --help", ("-c", "from spcbench.cli import main; main()", "--help")),
    ):
        try:
            print(f"{title:18}{cold_start(*arguments) * 1000:>8.0f} ms")
        except subprocess.CalledProcessError as error:
            print(f"{title:18}  failed: {error.stderr.decode().strip().splitlines()[-1:]}")


def line(title: str, kind: str, series: int, less: float = 0.0) -> float:
    """Measure and print one line; nanoseconds a row."""
    found = in_own_process(kind, series)
    print(
        f"{title:20}{series:>10,}{series * PERIODS:>12,}"
        f"{found['ns'] - less:>12.1f}{found['mb']:>10.1f}",
        flush=True,
    )
    return found["ns"]


def charts() -> None:
    """Every chart type without rules, and every rule set on p limits."""
    from spcbench.plugin import default_host

    host = default_host()
    for threads in (1, 2):
        for series in SERIES[1:]:
            print(f"{threads} thread{'s' if threads > 1 else ''}: chart type, no rules")
            bare = {
                one.id: line(one.id, f"{one.id}/none/{threads}", series) for one in host.charts()
            }
            print(f"{threads} thread{'s' if threads > 1 else ''}: rule set, less the limits")
            for one in host.rule_sets():
                line(one.id, f"p/{one.id}/{threads}", series, less=bare["p"])


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
    elif sys.argv[1:] == ["charts"]:
        charts()
    else:
        main()
