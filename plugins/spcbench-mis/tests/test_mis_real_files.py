"""The real files, where they are at hand, against sums made with the csv module alone."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest

import spcbench as sb

DATA = Path(__file__).parents[3] / ".." / "shared" / "data"
UNKNOWN = "Missing value / Value outside reporting parameters"
# Measure: dimension, category met, category not met.
MEASURES = {
    "first_feed_breastmilk": (
        "BabyFirstFeedBreastMilkStatus",
        "Maternal or Donor Breast Milk",
        "Not Breast Milk",
    ),
    "apgar_0_6_term": ("ApgarScore5TermGroup7", "0 to 6", "7 to 10"),
    "smoking_at_booking": ("SmokingStatusGroupBooking", "Smoker", "Non-Smoker / Ex-Smoker"),
    "born_before_37_weeks": ("GestationLengthBirthGroup37", "<37 weeks", ">=37 weeks"),
}


def real_file(year):
    path = DATA / f"msds-annual-{year}.csv"
    if not path.exists():
        pytest.skip(f"the annual file of {year} is not in ../shared/data")
    return path


def published(path):
    """Figures by dimension, level and organisation."""
    figures = defaultdict(dict)
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            key = (row["Dimension"], row["Org_Level"], row["Org_Code"])
            figures[key][row["Measure"]] = int(row["Value"])
    return figures


@pytest.mark.parametrize("year", ["2021-22", "2022-23"])
def test_every_row_of_the_real_file(year):
    path = real_file(year)
    figures = published(path)
    levels = {"National": "national", "NHS England (Region)": "region", "Provider": "provider"}
    expected = {
        (f"msds-annual@2022:{measure}", levels[level], unit): (
            (values[met], values[met] + values[not_met], values[UNKNOWN])
        )
        for measure, (wanted, met, not_met) in MEASURES.items()
        for (dimension, level, unit), values in figures.items()
        if dimension == wanted
    }
    counts = sb.read(path).data
    got = {
        (row.measure, row.level, row.unit): (row.numerator, row.denominator, row.missing)
        for row in counts.itertuples()
    }
    assert got == expected
    assert len(got) == len(counts)
    small = counts["numerator"].eq(5)
    assert counts["note"].notna().eq(small).all()


def test_known_figures_of_2022_23():
    """Read off the file by eye."""
    counts = sb.read(real_file("2022-23")).data
    apgar = counts[counts["measure"] == "msds-annual@2022:apgar_0_6_term"].set_index("unit")
    figures = apgar[["numerator", "denominator", "missing"]]
    assert figures.loc["National"].tolist() == [5460, 5460 + 461555, 24375]
    assert figures.loc["R0A"].tolist() == [135, 135 + 12380, 180]
    providers = figures[apgar["level"] == "provider"]
    assert len(providers) == 122
    # The publication's England is not the sum of its trusts: adding them up would be wrong.
    assert providers["numerator"].sum() == 5590


@pytest.fixture
def both_years(tmp_path):
    for year in ("2021-22", "2022-23"):
        (tmp_path / f"{year}.csv").symlink_to(real_file(year).resolve())
    return sb.read(tmp_path)


def test_levels_differ_by_no_more_than_the_page_says(both_years):
    """Trusts add up to more than England: it holds only those that passed data quality."""
    sums = both_years.data.groupby(["measure", "period", "level"], observed=True)[
        "denominator"
    ].sum()
    sums = sums.unstack("level")
    above_regions = sums["region"] / sums["national"] - 1
    above_trusts = sums["provider"] / sums["national"] - 1
    assert above_regions.between(0, 0.0013).all()
    assert above_trusts.between(0, 0.0168).all()
    assert above_trusts.max() > 0.016


@pytest.mark.parametrize("measure", MEASURES)
def test_a_funnel_of_each_measure(both_years, measure):
    funnels = sb.funnels(both_years, measure=measure, first="2022-04")
    assert 115 <= len(funnels.units) <= 125
    counts = both_years.data[both_years.data["level"].eq("national")]
    whole = counts[counts["measure"].str.endswith(measure)].sort_values("period").iloc[-1]
    target = funnels.summary["target"].iloc[0]
    assert target == pytest.approx(whole["numerator"] / whole["denominator"], rel=0.02)
