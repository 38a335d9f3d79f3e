"""What a report, or the page of a trust in it, says about the data quality of each metric."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import pandas as pd

from spcbench.pictures.words import scaled_text
from spcbench_mis.cqim_rules import FAIL, PASS, metric_rules
from spcbench_mis.cqim_words import quality_codes

PACK = "cqim"
LABELS = ("published", "result", "release", "reporting_month")
"""Columns that counts of monthly files have, and counts of a trust's own do not."""

WORDS = {
    "ok": "published",
    "small": "published as 5 (1 to 7)",
    "low_dq": "Low DQ (withheld)",
    "dns": "DNS (did not submit)",
    "suppressed": "suppressed",
    "absent": "no row in the file",
    "incomplete": "part of the figures only",
    "rate_only": "rate without counts",
}
"""What the publication says of a figure, in words that fit behind a number."""

HEADINGS = {
    "metric": "Metric",
    "reported": "Latest file",
    "figure": "Published",
    "result": "Data quality",
    "decided_by": "Data-quality measures",
    "all": "Periods, as published",
}
TRUST_HEADINGS = {
    "trust": "Trust",
    "reported": "Latest file",
    "result": "Pass",
    "failed": "Fail",
    "not_stated": "Not stated",
}


def cqim_sections(page: Any) -> list[Any]:
    """Data quality beside the metrics of a trust, or of each of several.

    Parameters
    ----------
    page : spcbench.report.Page
        A page of a unit, an area or a whole report, with counts as the monthly
        files give them.

    Returns
    -------
    list of spcbench.report.Section
        None where the counts hold no metric with its labels.
    """
    counts = page.counts
    if not set(LABELS) <= set(counts.columns):
        return []
    members = [page.unit] if page.kind == "unit" else list(page.members)
    own = counts[counts["unit"].isin(members).to_numpy()]
    if page.kind != "unit" and "level" in own.columns:
        own = own[own["level"].astype(str).eq("provider").to_numpy()]
    own = own.assign(pack=own["measure"].astype(str).str.partition(":")[0].str.partition("@")[0])
    metrics = own[own["pack"].eq(PACK)]
    if metrics.empty:
        return []
    trusts = [str(one) for one in metrics["unit"].unique()]
    if len(trusts) > 1:
        trusts.sort(key=lambda code: (page.names.get(code, code), code))
        return [_overview(metrics, trusts, page.names)]
    quality = own[own["pack"].eq(f"{PACK}-dq")]
    rows = [
        _row(name, rule.dq, metrics[_called(metrics, _metric_id(name))], quality)
        for name, rule in metric_rules().items()
        if _called(metrics, _metric_id(name)).any()
    ]
    return [_section(pd.DataFrame(rows), counted=not quality.empty)]


def _overview(metrics: pd.DataFrame, trusts: Sequence[str], names: Any) -> Any:
    """Each trust's metrics by their result in the latest file that has them."""
    latest = metrics.sort_values("reporting_month").drop_duplicates(
        ["unit", "measure"], keep="last"
    )
    latest = latest.assign(
        metric=[name.rpartition(":")[2] for name in latest["measure"].astype(str)],
        said=latest["result"].astype("string").fillna("not stated"),
    )
    rows = [
        _trust(code, names.get(code, code), latest[latest["unit"].eq(code).to_numpy()])
        for code in trusts
    ]
    report: Any = import_module("spcbench.report")
    return report.Section(
        title="Data quality of the metrics",
        text="NHS England withholds a metric, and a trust fails it in safety action 2, if one of "
        "its data-quality measures fails. The page of a trust (--unit CODE) says which.",
        tables=[
            report.ReportTable(
                id="cqim_trusts",
                title="Metrics that pass, by trust",
                frame=pd.DataFrame(rows),
                headings=TRUST_HEADINGS,
                note="Trusts stand in the order of their names: there is no ranking. Pass and Fail "
                "are those of each metric's latest file; not stated is neither.",
            )
        ],
    )


def _trust(code: str, name: str, rows: pd.DataFrame) -> dict[str, Any]:
    def titles(wanted: Any) -> str:
        ids = sorted(rows.loc[wanted.to_numpy(dtype=bool), "metric"])
        return "; ".join(_titles().get(one, one) for one in ids) or "none"

    passed, failed = rows["said"].eq(PASS), rows["said"].eq(FAIL)
    months = [f"{one:%b %Y}" for one in sorted(rows["reporting_month"].dropna().unique())]
    return {
        "unit": code,
        "unit_name": name,
        "trust": name if name == code else f"{name}\n{code}",
        "reported": " to ".join(dict.fromkeys([*months[:1], *months[-1:]])),
        "passed": int(passed.sum()),
        "metrics": len(rows),
        "result": f"{int(passed.sum())} of {len(rows)}",
        "failed": titles(failed),
        "not_stated": titles(~passed & ~failed),
    }


def _row(name: str, dq: tuple[str, ...], rows: pd.DataFrame, quality: pd.DataFrame) -> Any:
    latest = rows.sort_values("reporting_month").iloc[-1]
    measures = quality[quality["reporting_month"].eq(latest["reporting_month"]).to_numpy()]
    result = latest["result"]
    return {
        "measure": latest["measure"],
        "metric": _title(name),
        "reported": f"{latest['reporting_month']:%b %Y} ({latest['release']})",
        "figure": _figure(latest),
        "result": "not stated" if pd.isna(result) else str(result),
        "decided_by": "; ".join(_quality(one, measures) for one in dq),
        "all": _history(rows),
    }


def _metric_id(indicator: str) -> str:
    return f"cqim_{indicator.removeprefix('CQIM').lower()}"


def _called(rows: pd.DataFrame, short: str) -> Any:
    return rows["measure"].astype(str).str.endswith(f":{short}").to_numpy()


def _title(indicator: str) -> str:
    return _titles().get(_metric_id(indicator), indicator)


def _titles() -> dict[str, str]:
    from spcbench_mis import indicator_packs

    return {one.id: one.title for one in indicator_packs()[0].measures}


def _figure(row: pd.Series) -> str:
    """The figure as the file has it; what it says where there is none."""
    said = str(row["published"])
    if said not in ("ok", "small") or pd.isna(row["numerator"]):
        return WORDS.get(said, said)
    text = f"{int(row['numerator_published']):,} of {int(row['denominator']):,}"
    return f"{text}, rounded" + (" (5 stands for 1 to 7)" if said == "small" else "")


def _quality(name: str, rows: pd.DataFrame) -> str:
    """One data-quality measure with its rate and result, as far as they are known."""
    own = rows[_called(rows, name.lower())]
    if own.empty:
        return name
    row = own.iloc[0]
    result = {PASS: " pass", FAIL: " fail"}.get(row["result"], "")
    said = str(row["published"])
    if said not in ("ok", "small", "rate_only"):
        return f"{name} {WORDS.get(said, said)}{result}"
    return f"{name} {_rate(row)}{result}"


def _rate(row: pd.Series) -> str:
    """The rate that is judged: of counts as published, or as it stands where there are none."""
    met, cases = row["numerator_published"], row["denominator"]
    if not (pd.isna(met) or pd.isna(cases)):
        return f"{scaled_text(100 * int(met) / int(cases), 100)}%" if int(cases) else "no cases"
    return "no rate" if pd.isna(row["value"]) else f"{scaled_text(100 * row['value'], 100)}%"


def _history(rows: pd.DataFrame) -> str:
    """How many periods are of each state; those that did not submit stay apart from the rest."""
    found = rows["published"].astype(str).value_counts()
    return ", ".join(f"{found[one]} {words}" for one, words in WORDS.items() if found.get(one))


def _section(frame: pd.DataFrame, *, counted: bool) -> Any:
    report: Any = import_module("spcbench.report")
    failed = int(frame["result"].eq(FAIL).sum())
    more = "" if counted else " Their rates are not among these counts (pack cqim-dq)."
    return report.Section(
        title="Data quality of the metrics",
        text=(
            "NHS England withholds a metric, and a trust fails it in safety action 2, if one of "
            f"its data-quality measures fails. Of {len(frame)} metrics {failed} failed in the "
            f"latest file.{more}",
        ),
        tables=(
            report.ReportTable(
                id="cqim_quality",
                title="Each metric with what decides its data quality",
                frame=frame,
                headings=HEADINGS,
                note="Pass and Fail are those of the file. Counts are rounded to the nearest 5 by "
                "the publisher. A trust that did not submit, one with low data quality and a row "
                "that is not there are three different things.",
            ),
            quality_codes(
                name
                for rule in metric_rules().values()
                for name in rule.dq
                if frame["decided_by"].str.contains(name, regex=False).any()
            ),
        ),
    )
