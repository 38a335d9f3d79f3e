"""Where numbers came from, and what is not known about them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from spcbench.intake import Taken
    from spcbench.plugin.host import PluginHost
    from spcbench.tables import Display

UNKNOWN_SHARE = 0.1
"""Share of cases with an unknown outcome from which it is said (a proposal)."""

LEANS = {
    "all_or_none": " One known miss is enough to count a case as not met, and one unknown to leave "
    "a case without a known miss out: unless most of what is unknown was missed, the share shown "
    "is too low."
}
"""Which way the value of a composite leans where outcomes are unknown, by its form."""


def unknown_outcomes(
    frame: pd.DataFrame, measure: str, *, form: str = ""
) -> tuple[str, dict[str, Any]] | None:
    """What to say of cases whose outcome is unknown, or None where there are few.

    Parameters
    ----------
    frame : pandas.DataFrame
        Checked counts.
    measure : str
        Which measure.
    form : str
        As `Display.form`: of an all-or-none composite the value leans one way.

    Returns
    -------
    message, evidence
        When at least `UNKNOWN_SHARE` of one unit's cases, or of all, are left
        out of the denominators because it is not known whether the measure
        was met.
    """
    if "missing" not in frame.columns:
        return None
    rows = frame[frame["measure"] == measure]
    if form in LEANS:
        # A unit that never records one part has no count: neither its misses nor its unknowns.
        rows = rows[rows["denominator"].notna()]
    sums = rows[["unit", "missing", "denominator"]].fillna(0).groupby("unit").sum()
    share = (sums["missing"] / (sums["missing"] + sums["denominator"])).astype("float64")
    total = float(sums["missing"].sum() / max(1, (sums["missing"] + sums["denominator"]).sum()))
    many = share[share >= UNKNOWN_SHARE]
    if total < UNKNOWN_SHARE and many.empty:
        return None
    return (
        f"It is not known whether {total:.0%} of the cases met the measure; they are left out of "
        f"the denominators. In {len(many)} of {len(sums)} units it is {UNKNOWN_SHARE:.0%} or more, "
        "and what is known of those may not stand for the rest." + LEANS.get(form, ""),
        {
            "share_unknown": round(total, 4),
            **({"share_shown": "too_low"} if form in LEANS else {}),
            "units": {str(unit): round(float(part), 4) for unit, part in many.items()},
        },
    )


def unverified(shown: Display) -> tuple[str, dict[str, Any]] | None:
    """What to say of a definition or target that nobody has compared with its source.

    Parameters
    ----------
    shown : Display
        The measure; a target counts if it has one.

    Returns
    -------
    message, evidence
        None where all has been checked.

    Examples
    --------
    >>> from spcbench.tables import Display
    >>> unverified(Display(title="M", target=0.8, target_verified=False))[0]
    'The target of this measure has not been checked against its source.'
    """
    target = shown.target_verified or (shown.target is None and shown.stretch is None)
    if shown.verified and target:
        return None
    parts = [] if shown.verified else ["definition"]
    parts += [] if target else ["target"]
    have = "has" if len(parts) == 1 else "have"
    evidence = {"verified": shown.verified} | ({} if target else {"target_verified": False})
    what = " and the ".join(parts)
    source = "its source" if len(parts) == 1 else "their sources"
    return f"The {what} of this measure {have} not been checked against {source}.", evidence


def provenance(
    taken: Taken, *, host: PluginHost, extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Where numbers came from: enough to trace every one of them.

    Parameters
    ----------
    taken : Taken
        The counts that were used.
    host : PluginHost
        The plugins that were active.
    extra : mapping, optional
        Further entries.

    Returns
    -------
    dict
        `generator`, `version`, `source`, `input_digest`, `plugins`, `measures`.
    """
    from spcbench import __version__

    return {
        "generator": "spcbench",
        "version": __version__,
        "source": taken.source,
        "input_digest": digest(taken.frame),
        "plugins": [
            f"{one.name} {one.version}" for one in host.plugins() if one.status == "active"
        ],
        "measures": sorted(taken.display),
        **(extra or {}),
    }


def digest(frame: pd.DataFrame) -> str:
    """SHA-256 of the counts themselves: same counts, same digest, wherever they came from.

    Parameters
    ----------
    frame : pandas.DataFrame
        Checked counts.

    Returns
    -------
    str
        ``sha256:`` and 64 hexadecimal digits, over measure, unit, period,
        numerator and denominator written as CSV.

    Examples
    --------
    >>> from spcbench.counts_check import check_counts
    >>> import pandas as pd
    >>> counts = check_counts(pd.DataFrame(
    ...     {"measure": "m", "unit": "a", "period": ["2024-01-01"],
    ...      "numerator": [1], "denominator": [2]}))
    >>> digest(counts) == digest(counts.iloc[::-1].sort_index())
    True
    """
    columns = [*("measure", "unit", "period", "numerator", "denominator")]
    more = ("value", "status", "expected", "mean", "sd", "sequence")
    columns += [name for name in more if name in frame.columns]
    text = frame[columns].to_csv(index=False, date_format="%Y-%m-%d", lineterminator="\n")
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
