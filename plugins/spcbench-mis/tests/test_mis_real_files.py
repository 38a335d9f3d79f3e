"""The real files, where they are at hand, against sums made with the csv module alone."""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import spcbench as sb
import spcbench_mis
from spcbench.cli import main

DATA = Path(__file__).parents[3] / ".." / "shared" / "data"
UNKNOWN = "Missing value / Value outside reporting parameters"
# Measure: dimension, categories met, categories not met.
MEASURES = {
    "first_feed_breastmilk": (
        "BabyFirstFeedBreastMilkStatus",
        ["Maternal or Donor Breast Milk"],
        ["Not Breast Milk"],
    ),
    "apgar_0_6_term": ("ApgarScore5TermGroup7", ["0 to 6"], ["7 to 10"]),
    "smoking_at_booking": ("SmokingStatusGroupBooking", ["Smoker"], ["Non-Smoker / Ex-Smoker"]),
    "born_before_37_weeks": ("GestationLengthBirthGroup37", ["<37 weeks"], [">=37 weeks"]),
    "skin_to_skin_term": ("SkinToSkinContact1HourTerm", ["Yes"], ["No"]),
    "low_birthweight_term": ("BirthweightTermGroup2500", ["Under 2500g"], ["2500g and over"]),
    "caesarean": (
        "DeliveryMethodBabyGroup",
        ["Elective caesarean section", "Emergency caesarean section"],
        ["Instrumental", "Other", "Spontaneous"],
    ),
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


def met_of_all(values, met, not_met):
    """Cases met, and all cases that are known."""
    cases_met = sum(values[name] for name in met)
    return cases_met, cases_met + sum(values[name] for name in not_met)


@pytest.mark.parametrize("year", ["2021-22", "2022-23"])
def test_every_row_of_the_real_file(year):
    path = real_file(year)
    figures = published(path)
    levels = {"National": "national", "NHS England (Region)": "region", "Provider": "provider"}
    expected = {
        (f"msds-annual@2022:{measure}", levels[level], unit): (
            (*met_of_all(values, met, not_met), values[UNKNOWN])
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
    page = Path(__file__).parents[3] / "docs" / "msds-files.md"
    told = re.search(
        r"the regions add up to at most ([\d.]+) % more cases than England\s+\(([\d.]+) % more of "
        r"those that met a measure\), the trusts to at most ([\d.]+) % \(([\d.]+) %\)",
        page.read_text(encoding="utf-8"),
    )
    sums = both_years.data.pivot_table(
        index=["measure", "period"],
        columns="level",
        values=["denominator", "numerator"],
        aggfunc="sum",
        observed=True,
    )
    for place, (level, column) in enumerate(
        product(("region", "provider"), ("denominator", "numerator"))
    ):
        each = sums[column]
        more = each[level] / each["national"] - 1
        assert len(more) == 2 * len(MEASURES)
        assert more.min() > -0.0002  # less only by rounding
        said = told[place + 1]
        digits = len(said.partition(".")[2])
        # Neither less than it is, nor more than the last digit can say.
        assert 100 * more.max() <= float(said) < 100 * more.max() + 10**-digits


@pytest.fixture(scope="module")
def groups():
    path = DATA / "mbrrace-groups-2018.csv"
    if not path.exists():
        pytest.skip("the published table of comparator groups is not in ../shared/data")
    return path


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("year", ["2021-22", "2022-23"])
def test_funnels_by_comparator_group(year, measure, groups):
    """Each trust against those of its group, with sums made with the csv module alone."""
    path = real_file(year)
    labels = spcbench_mis.comparator_groups(groups)
    funnels = sb.funnels(sb.read(path), measure=measure, labels=labels, by="group")
    with groups.open(encoding="utf-8", newline="") as file:
        number = {row["Org_Code"]: row["MBRRACE_Group"] for row in csv.DictReader(file)}
    dimension, met, not_met = MEASURES[measure]
    trusts = {
        unit: met_of_all(values, met, not_met)
        for (of, level, unit), values in published(path).items()
        if of == dimension and level == "Provider"
    }
    placed = funnels.units.set_index("unit")
    assert (placed["group"].str[6] == placed.index.map(number)).all()
    left_out = json.loads(funnels.advice.set_index("code").loc["unlabelled", "evidence"])["units"]
    assert set(placed.index) | set(left_out) == set(trusts)
    assert not set(placed.index) & set(left_out)
    assert {"R0D", "RA7", "RAJ", "RC9", "RH5", "RM3", "RYR"} <= set(left_out)
    assert ("RH8" in left_out) == (year == "2022-23")
    assert len(left_out) <= 9
    assert len(funnels.summary) == 5
    for line in funnels.summary.to_dict("records"):
        peers = [
            trusts[unit] for unit in placed.index if placed.loc[unit, "group"] == line["group"]
        ]
        cases_met, all_cases = (sum(one) for one in zip(*peers, strict=True))
        assert line["units"] == sum(cases > 0 for _, cases in peers)
        assert line["target"] == pytest.approx(cases_met / all_cases, rel=1e-12)  # the same sums


def test_the_command_line_gives_the_same(groups, tmp_path):
    path = real_file("2022-23")
    labels, out = tmp_path / "groups.csv", tmp_path / "units.csv"
    told = CliRunner().invoke(main, ["mis-groups", str(groups), "-o", str(labels)])
    assert told.exit_code == 0, told.output
    done = CliRunner().invoke(
        main,
        ["funnel", str(path), "--labels", str(labels), "--by", "group",
         "--measure", "msds-annual:apgar_0_6_term", "-o", str(out)],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "8 of 122 units have no group" in done.output
    found = pd.read_csv(out)
    asked = {"measure": "apgar_0_6_term", "by": "group"}
    funnels = sb.funnels(sb.read(path), labels=spcbench_mis.comparator_groups(groups), **asked)
    assert found["unit"].tolist() == funnels.units["unit"].tolist()
    assert found["group"].tolist() == funnels.units["group"].tolist()
    assert found["z"].tolist() == pytest.approx(funnels.units["z"].tolist(), rel=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_funnel_of_each_measure(both_years, measure):
    funnels = sb.funnels(both_years, measure=measure, first="2022-04")
    assert 115 <= len(funnels.units) <= 125
    counts = both_years.data[both_years.data["level"].eq("national")]
    whole = counts[counts["measure"].str.endswith(measure)].sort_values("period").iloc[-1]
    target = funnels.summary["target"].iloc[0]
    assert target == pytest.approx(whole["numerator"] / whole["denominator"], rel=0.02)
