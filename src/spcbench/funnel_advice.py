"""What the analyst should know of each funnel before trusting it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from spcbench.advice_measures import level_of, mixed_strata, of_measure
from spcbench.funnel_change import Changed
from spcbench.funnel_units import Compared
from spcbench.numeric.segments import Flags
from spcbench.tables import ADVICE, Display
from spcbench.tracing import unknown_outcomes, unverified

MOST_NAMED = 10
"""Units named in one piece of advice; more are only counted."""

POISSON_SHARE = 0.8
"""Variance over expected events under which Poisson limits are called too wide (a proposal)."""

Row = tuple[str, str, dict[str, Any]]
"""Code, message and evidence."""


def advice_table(
    summary: pd.DataFrame,
    display: Mapping[str, Display],
    frame: pd.DataFrame,
    compared: Compared,
    by: str | None = None,
) -> pd.DataFrame:
    """The rows of `advice`: what the analyst should know of each funnel.

    Parameters
    ----------
    summary : pandas.DataFrame
        As `funnel_tables.summary_table`.
    display : mapping of str to Display
        How each measure is shown.
    frame : pandas.DataFrame
        The counts.
    compared : Compared
        The units.
    by : str, optional
        Column of labels that tells the funnels apart.
    """
    # First, as a unit that is on no funnel is easily taken for one within the limits.
    told: list[tuple[str, Row]] = [] if by is None else [*_unlabelled(frame, compared, by)]
    for line in summary.itertuples():
        found: list[Row] = []
        if line.status == "ok":
            found = [*_overdispersed(line, compared), *_too_small(line, compared)]
            found += [*_regression(line, compared), *_half_added(line, compared)]
            found += [*_common_outcome(line, compared), *_clustered(line, compared)]
        told += [(line.measure, row) for row in found]
    for name in summary["measure"].drop_duplicates():
        told += [(name, row) for row in _of_measure(display[name], frame, name, by)]
        if unknown := unknown_outcomes(frame, name, form=display[name].form):
            told.append((name, ("unknown_outcomes", *unknown)))
        if doubt := unverified(display[name]):
            told.append((name, ("unverified_definition", *doubt)))
    return ADVICE.frame(
        {
            "measure": [name for name, _ in told],
            "unit": [None] * len(told),
            "code": [row[0] for _, row in told],
            "message": [row[1] for _, row in told],
            "evidence": [json.dumps(row[2], sort_keys=True) for _, row in told],
        }
    )


def _of_measure(shown: Display, frame: pd.DataFrame, name: str, by: str | None) -> Iterator[Row]:
    """What the measure itself says of comparing its units."""
    rows = frame[frame["measure"].eq(name).to_numpy(dtype=np.bool_)]
    yield from mixed_strata(shown, rows, by)
    for row in of_measure(shown, level_of(rows)):
        # Within one kind of unit the units themselves are what is to be compared.
        if not (row[0] == "prefer_level" and by is not None and by == shown.strata):
            yield row


def _group(line: Any) -> str | None:
    return None if pd.isna(line.group) else line.group


def _rows(line: Any, compared: Compared) -> slice:
    """The units of one funnel."""
    return slice(compared.funnels.starts[line.Index], compared.funnels.lasts[line.Index] + 1)


def _codes(line: Any, compared: Compared, which: Flags) -> list[str]:
    """Units of one funnel, by where they stand in it."""
    at = np.flatnonzero(which)
    if not at.size:
        return []
    return [
        str(code) for code in compared.rows["unit"].iloc[at + compared.funnels.starts[line.Index]]
    ]


def _named(codes: Sequence[str]) -> str:
    """The first few units, and how many more."""
    more = f" and {len(codes) - MOST_NAMED} more" if len(codes) > MOST_NAMED else ""
    return ", ".join(codes[:MOST_NAMED]) + more


def _overdispersed(line: Any, compared: Compared) -> list[Row]:
    if not compared.ratios.warranted[line.Index]:
        return []
    adjusted = compared.recipe.overdispersion != "none"
    phi = f"{line.phi:,.{0 if line.phi >= 100 else 1}f}"
    return [
        (
            "overdispersed",
            f"The units vary {phi} times as much as chance alone would make them: "
            "differences in case-mix or recording can do that, so a unit outside the "
            "limits is a reason to ask, not a finding."
            + (" The limits are widened for it." if adjusted else ""),
            {
                "phi": round(line.phi, 3),
                "threshold": round(line.phi_threshold, 3),
                "allowed_for": adjusted,
                "group": _group(line),
            },
        )
    ]


def _too_small(line: Any, compared: Compared) -> list[Row]:
    """Units of which the funnel can say nothing, whatever they do."""
    low, high = (side[_rows(line, compared)] for side in compared.blind)
    codes = _codes(line, compared, low & high)
    if not codes:
        return []
    one = len(codes) == 1
    return [
        (
            "too_small",
            f"{'One unit is' if one else f'{len(codes)} units are'} too small to say anything of: "
            f"no value would lie outside the limits ({_named(codes)}). Being within them says "
            "nothing; add more periods, or look at a larger unit.",
            {"units": codes, "group": _group(line)},
        )
    ]


def _regression(line: Any, compared: Compared) -> list[Row]:
    """Units picked out for their past fall back without any change of their own."""
    if not isinstance(compared, Changed):
        return []
    kept = compared.kept[_rows(line, compared)]
    kept = kept[~np.isnan(kept)]
    if not kept.size:
        return []
    low, middle, high = (float(np.quantile(kept, at)) for at in (0.0, 0.5, 1.0))
    told = (
        f"of such a difference a unit of middling size would show {middle:.0%} again (from "
        f"{low:.0%} to {high:.0%} by size), and the rest would be gone"
        if high > 0
        else "then, units differed no more than chance would make them, so that nothing of such a "
        "difference is expected to be seen again"
    )
    return [
        (
            "regression_to_the_mean",
            "Units that stood out in the earlier period come back towards the others without any "
            f"real change: {told}. A unit picked for its past needs more than a change back to "
            "count as changed.",
            {
                "kept_least": round(low, 4),
                "kept_median": round(middle, 4),
                "kept_most": round(high, 4),
                "group": _group(line),
            },
        )
    ]


def _half_added(line: Any, compared: Compared) -> list[Row]:
    """Changes from or to none (or all), which have a ratio only after a half is added."""
    if not isinstance(compared, Changed):
        return []
    codes = _codes(line, compared, compared.changes.half_added[_rows(line, compared)])
    if not codes:
        return []
    return [
        (
            "half_added",
            f"{len(codes)} unit{'s' if len(codes) > 1 else ''} had no events, or nothing but "
            "events, in one of the periods; half a case was added to their counts, so their "
            "change is only roughly known.",
            {"units": codes, "group": _group(line)},
        )
    ]


def _common_outcome(line: Any, compared: Compared) -> list[Row]:
    """Ratios of events that are no rare ones: a Poisson count varies more than they do."""
    if compared.recipe.data_type != "ratio":
        return []
    rows = compared.rows.iloc[_rows(line, compared)]
    expected, variance = (
        rows[name].to_numpy(dtype=np.float64) for name in ("expected", "variance")
    )
    both = ~np.isnan(expected + variance)
    share = variance[both].sum() / expected[both].sum() if both.any() else 1.0
    if share >= POISSON_SHARE:
        return []
    return [
        (
            "common_outcome",
            "The events are not rare: by the model behind the expected numbers, chance makes them "
            f"vary {share:.1f} times as much as the Poisson limits allow for. The limits are too "
            "wide, and real differences may lie within them.",
            {"variance_over_expected": round(float(share), 3), "group": _group(line)},
        )
    ]


def _unlabelled(frame: pd.DataFrame, compared: Compared, by: str) -> Iterator[tuple[str, Row]]:
    """Units without a label are on no funnel: nothing says whose peers they are."""
    for name, units in frame.groupby("measure", sort=False)["unit"]:
        there = compared.rows.loc[compared.rows["measure"].eq(name), "unit"]
        listed = units.drop_duplicates()
        codes = [str(code) for code in listed[~listed.isin(there)]]
        if codes:
            told = (
                f"{len(codes)} of {len(listed)} units {'has' if len(codes) == 1 else 'have'} no "
                f"{by} throughout the window and stand on no funnel ({_named(codes)}): nothing "
                "says whose peers they are."
            )
            yield str(name), ("unlabelled", told, {"units": codes, "by": by})


def _clustered(line: Any, compared: Compared) -> list[Row]:
    """Cases that go together, such as the opportunities of one baby."""
    ratio = float(compared.clustering[line.Index])
    if ratio <= 1.0:
        return []
    return [
        (
            "clustered",
            "The cases go together (several of one baby, say), so that by chance alone values vary "
            f"{ratio:.2f} times as much as if each stood alone. Limits and intervals allow for it.",
            {"ratio": round(ratio, 4), "group": _group(line)},
        )
    ]
