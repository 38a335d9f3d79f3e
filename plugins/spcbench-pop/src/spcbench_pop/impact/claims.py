"""Published claims of impact, and whether the arithmetic gives them."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from spcbench_pop.impact.arithmetic import ROUNDING_WORDS, implied_treated, rounded

STATES = {
    "reproduced": "reproduced",
    "approximately": "reproduced, as nearly as it is stated",
    "fits": "fits; its inputs are not published",
    "not_reproduced": "not reproduced",
    "not_reproducible": "not reproducible",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One published claim.

    Parameters
    ----------
    id, claim, published_by : str
        What was claimed, and by whom.
    inputs : str
        What it was worked out from, in words; empty where that is not known.
    found : str
        What the arithmetic here gives.
    state : str
        One of `STATES`.
    why : str
        What a reader must know, or why it cannot be reproduced.
    """

    id: str
    claim: str
    published_by: str
    inputs: str
    found: str
    state: str
    why: str


def published_claims() -> tuple[Claim, ...]:
    """Every claim that is known, worked out anew.

    Returns
    -------
    tuple of Claim

    Examples
    --------
    >>> claims = {one.id: one for one in published_claims()}
    >>> claims["precept-385"].state, claims["precept-385"].found
    ('reproduced', '385')
    >>> claims["london-61"].found
    '2,257 to 2,293 women'
    >>> claims["london-282"].state
    'not_reproducible'
    """
    text = (files(__package__) / "claims.toml").read_text(encoding="utf-8")
    kinds = {"cases": _cases, "value": _value, "implied": _implied, "none": _none}
    return tuple(
        Claim(
            id=row["id"],
            claim=row["claim"],
            published_by=row["published_by"],
            why=row.get("why", ""),
            **kinds[row["kind"]](row),
        )
        for row in tomllib.loads(text)["claim"]
    )


def _cases(row: Mapping[str, Any]) -> dict[str, str]:
    found = [rounded(row["treated"] / one, row["rounding"]) for one in row["nnt"]]
    how = ROUNDING_WORDS[row["rounding"]]
    needed = " and ".join(str(one) for one in row["nnt"])
    return {
        "inputs": f"{row['treated']:,} {row['counted']} / {needed}, {how}",
        "found": _numbers(found),
        "state": _state(found, row),
    }


def _value(row: Mapping[str, Any]) -> dict[str, str]:
    found = [row["cases"] * one / 1e6 for one in row["pounds"]]
    each = " and ".join(f"£{one / 1e6:g}m" for one in row["pounds"])
    return {
        "inputs": f"{row['cases']} cases at {each} each",
        "found": f"£{_numbers(found)}m",
        "state": _state(found, row),
    }


def _implied(row: Mapping[str, Any]) -> dict[str, str]:
    """The people treated that give every figure of the claim at once."""
    spans = [
        implied_treated(cases, nnt=nnt, rounding=row["rounding"])
        for cases, nnt in zip(row["published"], row["nnt"], strict=True)
    ]
    fewest, most = max(low for low, _ in spans), min(high for _, high in spans)
    needed = " and ".join(str(one) for one in row["nnt"])
    fits = fewest <= most
    return {
        "inputs": f"{row['counted']} not published; number needed to treat {needed}, "
        f"{ROUNDING_WORDS[row['rounding']]}",
        "found": f"{fewest:,} to {most:,} {row['counted']}" if fits else "no number gives it",
        "state": "fits" if fits else "not_reproduced",
    }


def _none(row: Mapping[str, Any]) -> dict[str, str]:
    return {"inputs": "", "found": "", "state": "not_reproducible"}


def _state(found: Sequence[float], row: Mapping[str, Any]) -> str:
    pairs = list(zip(found, row["published"], strict=True))
    if all(math.isclose(ours, theirs, rel_tol=1e-12) for ours, theirs in pairs):
        return "reproduced"
    step = row.get("about")
    if step and all(round(ours / step) == round(theirs / step) for ours, theirs in pairs):
        return "approximately"
    return "not_reproduced"


def _numbers(found: Sequence[float]) -> str:
    return " to ".join(f"{round(one, 1):,g}" for one in found)
