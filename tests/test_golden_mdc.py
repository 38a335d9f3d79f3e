"""NHSRplotthedots 0.2.2 through the public door: limits, labels and icons of every golden case.

Calls and inputs are in ``ptd_cases.csv``; the moving ranges are screened once
there unless the call says otherwise, and limits stand at 2.66 mean ranges.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import spcbench as sb

GOLDEN = Path(__file__).parents[2] / "shared" / "golden"
RTOL = 1e-9  # the same closed form

LABELS = {
    ("3s", 1): "Above UCL",
    ("3s", -1): "Below LCL",
    ("trend7", 1): "7 Point Trend (Increasing)",
    ("trend7", -1): "7 Point Trend (Decreasing)",
    ("2of3", 1): "2 in 3 Above CL",
    ("2of3", -1): "2 in 3 Below CL",
    ("run7", 1): "7 Points Above CL",
    ("run7", -1): "7 Points Below CL",
}
ASSURANCE = {
    "inconsistent": "hit_or_miss",
    "consistent_pass": "passes",
    "consistent_fail": "fails",
}


def read(name):
    if not (GOLDEN / name).exists():
        pytest.skip(f"the golden values {name} are not here")
    return pd.read_csv(GOLDEN / name)


def cases():
    if not (GOLDEN / "ptd_cases.csv").exists():
        return []
    points = pd.read_csv(GOLDEN / "ptd_points.csv")
    return [(case, facet) for (case, facet), _ in points.groupby(["case_id", "f"], sort=False)]


def charted(case, rows):
    call = read("ptd_cases.csv").set_index("case_id").loc[case, "call"]
    starts = rows["x"][rows["rebase_group"].diff().fillna(0) != 0]
    notes = [sb.note("rebase", date=day, reason="golden", author="R") for day in starts]
    fixed = int(rows["fix_y"].notna().sum())
    if fixed < len(rows):
        notes.append(
            sb.note("freeze", date=rows["x"].iloc[0], points=fixed, reason="g", author="R")
        )
    better = {"increase": "higher", "decrease": "lower", "neutral": "neither"}
    (direction,) = (word for word in better if f"'{word}'" in call)
    frame = pd.DataFrame(
        {
            "measure": "m",
            "unit": "A",
            "period": rows["x"].to_numpy(),
            "value": rows["y"].to_numpy(),
            "target": rows["target"].to_numpy(),
            "trajectory": rows["trajectory"].to_numpy(),
        }
    )
    return sb.control_charts(
        frame,
        chart="i",
        rules="mdc-2019",
        settings={"factor": "2.66"},
        screening="screen_outliers=FALSE" not in call,
        notes=notes or None,
        better=better[direction],
        frequency="irregular",
    )


@pytest.mark.parametrize(("case", "facet"), cases() or [(None, None)])
def test_every_case_of_plotthedots(case, facet):
    points = read("ptd_points.csv")
    rows = points[(points["case_id"] == case) & (points["f"] == facet)].reset_index(drop=True)
    charts = charted(case, rows)
    ours = charts.points
    for theirs, name in (("mean_col", "centre"), ("lpl", "lcl"), ("upl", "ucl")):
        np.testing.assert_allclose(ours[name], rows[theirs], rtol=RTOL, err_msg=name)
    assert labels(charts) == rows["special_cause_type"].tolist()
    summary = read("ptd_summary.csv")
    theirs = summary[(summary["case_id"] == case) & (summary["f"] == facet)].iloc[-1]
    (row,) = charts.summary.itertuples()
    if theirs["n"] < 13:
        assert row.variation == "not_enough_data"  # ours wants 13 points, as the Excel tool does
        return
    icon = str(theirs["variation_icon"]).removesuffix(".svg").replace("neutral", "neither")
    assert row.variation == icon
    if rows["target"].isna().all() and theirs["assurance_type"] == "inconsistent":
        # Their icon says "inconsistent" for a unit that has no target when others have one.
        assert row.assurance == "none"
        return
    assert row.assurance == ASSURANCE.get(theirs["assurance_type"], "none")


def labels(charts):
    """The one label of each point: its leading rule, and which way that points."""
    made = []
    drawn = charts._drawn
    for rules, heading in zip(charts.points["rules"], drawn.heading, strict=True):
        made.append(LABELS[rules.split(";")[0], int(heading)] if rules else "Common Cause")
    return made
