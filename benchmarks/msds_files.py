"""How long monthly files take to read, and in how much memory.

``python benchmarks/msds_files.py make DIR`` writes 60 months of invented files of realistic
size: measures of 150 trusts (about 32,000 rows a month) and counts by dimension of 530
organisations (about 60,000 rows a month). ``measures DIR``, ``data DIR`` and ``both DIR``
read them; the number after DIR says how many months (60 if none does), and a name after it
that only the measures of this pack are wanted. ``make DIR 120`` writes more months.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import spcbench as sb
import spcbench_mis
from spcbench_mis.monthly_invented import HEADERS, invented_months, write_months

TRUSTS, MONTHS = 150, 60
OTHERS = {
    "Delivery Site": 160,
    "SubICB of Responsibility": 106,
    "Local Authority of Residence": 108,
}
FILLING = [(f"Dimension{number:02d}", category) for number in range(20) for category in "ABCDE"]
PATTERNS = {"measures": "msds-*-exp-measures.csv", "data": "msds-*-exp-data.csv", "both": "*.csv"}


def make(folder: Path, months: int) -> None:
    """Write the files."""
    folder.mkdir(parents=True, exist_ok=True)
    made = invented_months(trusts=TRUSTS, months=months, first="2015-01")
    for path in write_months(folder, made, kinds=("measures", "data")):
        if path.name.endswith("exp-data.csv"):
            _fill(path, made.trusts)


def _fill(path: Path, trusts: tuple[str, ...]) -> None:
    """Add dimensions and organisations that no measure is made of, as real files have them."""
    lines = path.read_text(encoding="utf-8").splitlines()
    begin, end = lines[1].split(",")[:2]
    places = [("Provider", code) for code in trusts]
    places += [(level, f"{level[0]}{n:04d}") for level, many in OTHERS.items() for n in range(many)]
    lines += [
        f"{begin},{end},{dimension},{level},{code},INVENTED ORGANISATION,{category},Women,{5 * n}"
        for dimension, category in FILLING
        for n, (level, code) in enumerate(places)
    ]
    path.write_text("\n".join([HEADERS["data"], *lines[1:], ""]), encoding="utf-8")


def read(folder: Path, kind: str, months: int, pack: str | None = None) -> None:
    """Read the files, and print what it took."""
    files = sorted(folder.glob(PATTERNS[kind]))
    chosen = folder / f"{kind}-{months}"
    chosen.mkdir(exist_ok=True)
    names = sorted({path.name.split("-")[1] for path in files}, key=_in_order)[-months:]
    for path in files:
        link = chosen / path.name
        if path.name.split("-")[1] in names and not link.exists():
            link.symlink_to(path.resolve())
    begin = time.perf_counter()
    table = sb.read(chosen) if pack is None else spcbench_mis.read_months(chosen, packs=[pack])
    took = time.perf_counter() - begin
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak, held = used.ru_maxrss / 1024, sum(table.data[one].array.nbytes for one in table.data)
    size = sum(path.stat().st_size for path in chosen.iterdir()) / 1e6
    print(
        f"{kind}: {len(list(chosen.iterdir()))} files, {size:.0f} MB, {len(table.data):,} rows of "
        f"counts of {held / 2**20:.0f} MB: {took:.2f} s, CPU {used.ru_utime + used.ru_stime:.2f} s "
        f"with the start, peak {peak:.0f} MB, {peak - held / 2**20:.0f} MB without the counts"
    )


def _in_order(name: str) -> tuple[int, int]:
    months = "janfebmaraprmayjunjulaugsepoctnovdec"
    return int(name[3:]), months.index(name[:3])


if __name__ == "__main__":
    command, place, *more = sys.argv[1:]
    months = int(more[0]) if more else MONTHS
    if command == "make":
        make(Path(place), months)
    else:
        read(Path(place), command, months, *more[1:])
