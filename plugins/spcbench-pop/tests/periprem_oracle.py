"""What the public PERIPrem tooling does, stated once more and independently of the packs.

From the description of the tool's columns (which cells it greys out) and its validation code;
facts only. Answers are "Yes", "No" or None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

EARLY = {"<26+6", "27 - 27+6", "28 - 29+6"}  # below 30 weeks
EARLIEST = {"<26+6", "27 - 27+6"}  # below 28 weeks
BANDS = {*EARLY, "30 - 31+6", "32 - 33+6"}

# The element of the tool and its measure here.
ELEMENTS = {
    "place": "place_of_birth",
    "steroids_rx": "steroids_any",
    "mgso4_rx": "mgso4",
    "antibiotics_rx": "iap",
    "cord_mgt": "ocm",
    "thermal_care": "normothermia",
    "volume_guarantee": "vtv",
    "caffeine": "caffeine",
    "embm_rx": "embm_6h",
    "probiotics": "probiotics",
    "hydrocortisone": "hydrocortisone",
}


def due(row: Mapping[str, Any]) -> dict[str, bool]:
    """Which elements the tool asks of a baby whose five descriptions are all given."""
    week, weight, births = row["gestation"], row["weight"], row["births"]
    return {
        "place": weight == "<800g"
        or week == "<26+6"
        or (births == "Multiple" and week == "27 - 27+6"),
        "steroids_rx": True,
        "mgso4_rx": week in EARLY,
        "antibiotics_rx": row["labour"] == "Yes",
        "cord_mgt": True,
        "thermal_care": True,
        "volume_guarantee": row["ventilation"] == "Yes",
        "caffeine": week in EARLY,
        "embm_rx": True,
        "probiotics": not (week == "32 - 33+6" and weight == ">1500g"),
        "hydrocortisone": week in EARLIEST,
    }


def faults(row: Mapping[str, Any]) -> set[str]:
    """The questions of a row that the tool finds wrong."""
    found = set()

    def expect(name: str, holds: bool) -> None:
        if not holds:
            found.add(name)

    def answered(name: str) -> bool:
        return row[name] in ("Yes", "No")

    expect("gestation", row["gestation"] is not None)
    expect("weight", row["weight"] is not None)
    expect("births", row["births"] in ("Single", "Multiple"))
    expect("ventilation", answered("ventilation"))
    expect("labour", answered("labour"))
    asked = due(row)
    needs = {
        "place": ("gestation", "weight", "births"),
        "mgso4_rx": ("gestation",),
        "antibiotics_rx": ("labour",),
        "volume_guarantee": ("ventilation",),
        "caffeine": ("gestation",),
        "probiotics": ("gestation", "weight"),
        "hydrocortisone": ("gestation",),
    }
    for name, is_due in asked.items():
        known = all(row[one] is not None for one in needs.get(name, ()))
        expect(name, known and (answered(name) if is_due else row[name] is None))
    doses = None if row["steroids_doses"] is None else str(row["steroids_doses"])
    if row["steroids_rx"] is None:
        found.add("steroids_doses")
    elif row["steroids_rx"] == "No":
        expect("steroids_doses", doses in (None, "0"))
    else:
        expect("steroids_doses", doses in ("1", "2"))
    for stem, is_due in (
        ("steroids", True),
        ("mgso4", asked["mgso4_rx"]),
        ("antibiotics", asked["antibiotics_rx"]),
    ):
        given, possible, done = (row[f"{stem}_{end}"] for end in ("rx", "opt_poss", "opt_act"))
        known = all(row[one] is not None for one in needs.get(f"{stem}_rx", ()))
        if not known or (is_due and given is None):
            found |= {f"{stem}_opt_poss", f"{stem}_opt_act"}
        elif not is_due or given == "No":
            expect(f"{stem}_opt_poss", possible is None and (is_due or given is None))
            expect(
                f"{stem}_opt_act", possible is None and done is None and (is_due or given is None)
            )
        else:
            expect(f"{stem}_opt_poss", possible in ("Yes", "No"))
            expect(
                f"{stem}_opt_act",
                done in ("Yes", "No") if possible == "Yes" else possible == "No" and done is None,
            )
    return found


def counts(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    """Numerator and denominator of each measure, as the tool adds up rows without a fault."""
    valid = [row for row in rows if not faults(row)]
    found = {}
    for name, measure in ELEMENTS.items():
        answers = [row[name] for row in valid if row[name] is not None]
        found[measure] = (answers.count("Yes"), len(answers))
    received = [sum(row[name] == "Yes" for name in ELEMENTS) for row in valid]
    eligible = [sum(row[name] is not None for name in ELEMENTS) for row in valid]
    whole = sum(got == asked for got, asked in zip(received, eligible, strict=True))
    found["all_eligible"] = (whole, len(valid))
    found["optimisation_score"] = (sum(received), sum(eligible))
    return found
