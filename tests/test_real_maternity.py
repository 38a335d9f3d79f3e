"""Funnels of every maternity measure of two real years, against sums made with pandas alone.

NHS England, NHS Maternity Statistics 2021-22 and 2022-23 (Open Government Licence v3.0), and
the comparator groups of MBRRACE-UK for births of 2018. The files are not in the project.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import spcbench as sb
from spcbench.errors import InputError
from spcbench.numeric.funnel_lines import funnel_lines

DATA = Path(__file__).parents[1] / ".." / "shared" / "data"
YEARS = ("2021-22", "2022-23")
# Measure: dimension, category met, category not met; all else is not known.
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
LEVELS = {"95": 0.025, "998": 0.001}
ADJUSTMENTS = ("none", "additive", "multiplicative")
NOT_LISTED = "not listed"


def real(name):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not in ../shared/data")
    return path


@pytest.fixture(scope="module", params=YEARS)
def year(request):
    """Financial year, its counts as read, and the same figures by pandas alone."""
    path = real(f"msds-annual-{request.param}.csv")
    return request.param, with_groups(sb.read(path).data), published(path)


def published(path):
    """Numerator and denominator of every trust with a row, NaN where a part is missing."""
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    rows = rows[rows["Org_Level"] == "Provider"]
    parts = []
    for measure, (dimension, met, not_met) in MEASURES.items():
        wide = (
            rows[rows["Dimension"] == dimension]
            .astype({"Value": float})
            .pivot_table(index="Org_Code", columns="Measure", values="Value", aggfunc="first")
        )
        cases_met, others = (wide[names].sum(axis=1, skipna=False) for names in (met, not_met))
        part = pd.DataFrame({"numerator": cases_met, "denominator": cases_met + others})
        part.loc[part["denominator"].isna(), "numerator"] = np.nan
        parts.append(part.assign(measure=measure).rename_axis("unit").reset_index())
    return pd.concat(parts).set_index(["measure", "unit"]).sort_index()


def comparator_groups():
    rows = pd.read_csv(real("mbrrace-groups-2018.csv"), dtype=str, keep_default_na=False)
    rows = rows[rows["Org_Code"].str.fullmatch(r"[A-Z0-9]{3}")]
    return rows.set_index("Org_Code")["MBRRACE_Group"]


def with_groups(counts):
    """Counts of every level, with the comparator group of a trust as a column of labels."""
    return counts.assign(group=counts["unit"].map(comparator_groups()).fillna(NOT_LISTED))


def funnels_of(counts, **options):
    return sb.funnels(counts, level="provider", **options)


def short(measures):
    """Names of measures without their pack."""
    return measures.astype(str).str.partition(":")[2]


def judged(found):
    return found.units[found.units["position"].notna()]


def outside(found):
    """Measure and unit of everything outside 95 %."""
    units = judged(found)
    units = units[units["position"] != "within"]
    return set(zip(units["measure"], units["unit"], strict=True))


def lines(part, side, name):
    return part[f"{side}_{name}"].to_numpy()


# -------------------------------------------------------------------------- who is on them


@pytest.mark.parametrize("by", [None, "group"])
@pytest.mark.parametrize("overdispersion", ADJUSTMENTS)
def test_every_trust_is_on_every_funnel_once_and_no_region_is(year, by, overdispersion):
    _, counts, truth = year
    found = funnels_of(counts, by=by, overdispersion=overdispersion)
    units = found.units.assign(measure=short(found.units["measure"]))
    mine = units.set_index(["measure", "unit"]).sort_index()
    assert mine.index.is_unique
    assert mine.index.equals(truth.index)
    some = truth["denominator"] > 0
    pd.testing.assert_series_equal(mine["status"].eq("ok"), some, check_names=False)
    for name in ("numerator", "denominator"):
        np.testing.assert_array_equal(mine.loc[some, name].astype(float), truth.loc[some, name])
        assert mine.loc[~some, name].isna().all()
    assert mine["value"].notna().equals(some.rename("value"))
    higher = set(counts.loc[counts["level"] != "provider", "unit"])
    assert len(higher) == 8  # seven regions and England
    assert not higher & set(units["unit"])
    assert found.summary["units"].sum() == some.sum()


def test_aggregates_are_refused_where_no_level_is_chosen(year):
    _, counts, _ = year
    with pytest.raises(InputError, match="level"):
        sb.funnels(counts)


def test_groups_part_the_trusts_and_change_none(year):
    _, counts, _ = year
    groups = comparator_groups()
    whole, parted = funnels_of(counts).units, funnels_of(counts, by="group").units
    together = whole.merge(parted, on=["measure", "unit"], suffixes=("", "_by"), validate="1:1")
    assert len(together) == len(whole) == len(parted)
    expected = parted["unit"].map(groups).fillna(NOT_LISTED)
    pd.testing.assert_series_equal(parted["group"], expected, check_names=False, check_dtype=False)
    assert parted["group"].nunique() == 7  # six, and one trust that came after the list
    for name in ("numerator", "denominator", "value"):
        pd.testing.assert_series_equal(
            together[name], together[f"{name}_by"], check_names=False, check_exact=True
        )


# ------------------------------------------------------------------------------ against what


@pytest.mark.parametrize("by", [None, "group"])
@pytest.mark.parametrize("overdispersion", ADJUSTMENTS)
def test_targets_are_the_pooled_sums(year, by, overdispersion):
    _, counts, truth = year
    rows = truth.dropna().reset_index()
    rows["group"] = rows["unit"].map(comparator_groups()).fillna(NOT_LISTED) if by else "all"
    sums = rows.groupby(["measure", "group"])[["numerator", "denominator"]].sum()
    summary = funnels_of(counts, by=by, overdispersion=overdispersion).summary
    peers = summary[summary["status"] == "ok"]
    keys = zip(short(peers["measure"]), peers["group"].fillna("all"), strict=True)
    expected = sums["numerator"].div(sums["denominator"]).loc[list(keys)]
    # 1e-14: a ratio of two whole numbers.
    np.testing.assert_allclose(peers["target"], expected, rtol=1e-14)
    # One trust alone has no peers.
    alone = sums.index[rows.groupby(["measure", "group"]).size() == 1]
    assert len(peers) == len(sums) - len(alone)
    assert summary.loc[summary["status"] != "ok", "target"].isna().all()


def test_dispersion_is_that_of_the_published_formulas(year):
    _, counts, truth = year
    summary = funnels_of(counts, overdispersion="additive", consistent=False).summary
    for row in summary.itertuples():
        part = truth.loc[row.measure.partition(":")[2]].dropna()
        part = part[part["denominator"] > 0]
        size, value = part["denominator"], part["numerator"] / part["denominator"]
        error = np.sqrt(row.target * (1 - row.target) / size)
        z = (value - row.target) / error
        drawn_in = z.clip(*np.quantile(z, [0.1, 0.9]))
        weight = 1 / error**2
        excess = (drawn_in**2).sum() - (len(z) - 1)
        tau2 = excess / (weight.sum() - (weight**2).sum() / weight.sum())
        assert row.phi == pytest.approx((z**2).mean(), rel=1e-9)
        assert row.phi_winsorised == pytest.approx((drawn_in**2).mean(), rel=1e-9)
        assert row.tau2 == pytest.approx(max(tau2, 0.0), rel=1e-9)


# ---------------------------------------------------------------------------------- the lines


@pytest.mark.parametrize("limits", ["exact", "mid_p", "normal"])
@pytest.mark.parametrize("overdispersion", ADJUSTMENTS)
def test_positions_are_what_the_limits_say(year, limits, overdispersion):
    _, counts, _ = year
    found = funnels_of(counts, limits=limits, overdispersion=overdispersion)
    units = judged(found)
    expected = pd.Series("within", index=units.index)
    for name in LEVELS:
        expected[units["value"] > units[f"upper_{name}"]] = f"above_{name}"
        expected[units["value"] < units[f"lower_{name}"]] = f"below_{name}"
    assert units["position"].astype(str).tolist() == expected.tolist()
    # And so do the p-values.
    for name, alpha in LEVELS.items():
        beyond = expected != "within" if name == "95" else expected.str.endswith("998")
        assert (units["p_value"] < 2 * alpha).equals(beyond)
        told = found.summary.set_index("measure")[f"outside_{name}"]
        counted = beyond.groupby(units["measure"]).sum()
        assert told.to_dict() == counted.to_dict()
    upwards = short(units["measure"]).isin(["first_feed_breastmilk", "skin_to_skin_term"])
    better = np.where(upwards, "above", "below")
    side = expected.str.partition("_")[0]
    verdict = np.where(side == better, "better_than_expected", "worse_than_expected")
    verdict = np.where(short(units["measure"]) == "caesarean", "differs", verdict)
    verdict = np.where(side == "within", "as_expected", verdict)
    assert units["verdict"].astype(str).tolist() == verdict.tolist()


@pytest.mark.parametrize("limits", ["exact", "mid_p", "normal", "arcsine"])
@pytest.mark.parametrize("overdispersion", ADJUSTMENTS)
def test_curves_are_nested_and_close_in(year, limits, overdispersion):
    _, counts, _ = year
    found = funnels_of(counts, limits=limits, overdispersion=overdispersion)
    assert set(found.curve["measure"]) == set(found.summary["measure"])
    for measure, part in found.curve.groupby("measure"):
        size, target = part["denominator"].to_numpy(), part["target"].to_numpy()
        largest = found.units.loc[found.units["measure"] == measure, "denominator"].max()
        assert size[-1] >= largest
        assert (np.diff(size) > 0).all()
        nested = [
            np.zeros(size.size),
            lines(part, "lower", "998"),
            lines(part, "lower", "95"),
            target,
            lines(part, "upper", "95"),
            lines(part, "upper", "998"),
            np.ones(size.size),
        ]
        assert (np.diff(nested, axis=0) >= 0).all()
        for name in LEVELS:
            width = lines(part, "upper", name) - lines(part, "lower", name)
            assert width[-1] < width[0]
            for side, way in (("lower", 1), ("upper", -1)):
                steps = way * np.diff(lines(part, side, name))
                # Smooth lines only close in. Those of counts swing within one case of it.
                slack = 1 / size[1:] if limits in ("exact", "mid_p") else 1e-15
                assert (steps >= -slack).all(), (measure, side, name)


def test_limits_of_units_lie_on_the_curve_of_their_funnel(year):
    _, counts, _ = year
    for overdispersion in ("none", "additive"):
        found = funnels_of(counts, overdispersion=overdispersion)
        units = judged(found).merge(found.summary[["measure", "tau2"]], on="measure")
        made = funnel_lines(
            "proportion",
            units["denominator"].astype(float),
            units["target"],
            alphas=list(LEVELS.values()),
            method="exact",
            tau2=units["tau2"].fillna(0.0),
        )
        for level, name in enumerate(LEVELS):
            # 1e-12: alpha as (1 - 0.95)/2 is not 0.025 to the last digit.
            for side in ("lower", "upper"):
                drawn = getattr(made, side)[level]
                np.testing.assert_allclose(units[f"{side}_{name}"], drawn, rtol=1e-12)


# -------------------------------------------------------------------------- who is outside


def test_what_is_outside_one_kind_of_limits_is_outside_a_narrower_kind(year):
    _, counts, _ = year
    exact, half = outside(funnels_of(counts)), outside(funnels_of(counts, limits="mid_p"))
    assert exact <= half
    additive = outside(funnels_of(counts, overdispersion="additive"))
    assert additive < exact
    normal, multiplied = (
        outside(funnels_of(counts, limits="normal", overdispersion=how))
        for how in ("none", "multiplicative")
    )
    assert multiplied < normal
    for name in ("lower", "upper"):
        before, after = (
            judged(funnels_of(counts, overdispersion=how))[f"{name}_998"].to_numpy()
            for how in ("none", "additive")
        )
        assert (before >= after if name == "lower" else before <= after).all()


@pytest.mark.parametrize("by", [None, "group"])
def test_q_values_are_those_of_benjamini_and_hochberg(year, by):
    _, counts, _ = year
    units = judged(funnels_of(counts, by=by, overdispersion="additive"))
    assert (units["q_value"] >= units["p_value"]).all()
    for _, part in units.groupby(["measure", units["group"].fillna("all")]):
        ordered = part.sort_values("p_value", ascending=False)
        rank = np.arange(len(part), 0, -1)
        expected = (ordered["p_value"] * len(part) / rank).cummin()
        np.testing.assert_allclose(ordered["q_value"], expected, rtol=1e-12)


def test_every_measure_varies_far_more_than_chance_and_the_advice_says_so(year):
    _, counts, _ = year
    before, after = funnels_of(counts), funnels_of(counts, overdispersion="additive")
    assert (before.summary["phi"] > 5).all()
    told = before.advice[before.advice["code"] == "overdispersed"]
    assert set(told["measure"]) == set(before.summary["measure"])
    assert (before.summary["outside_998"] > 10 * 0.002 * before.summary["units"]).all()
    assert (after.summary["outside_998"] < before.summary["outside_998"]).all()
    assert (after.summary["tau2"] > 0).all()
    chance = 0.05 * before.summary["units"]
    np.testing.assert_allclose(before.summary["expected_false_positives"], chance)


def test_known_figures_of_2022_23():
    path = real("msds-annual-2022-23.csv")
    counts = sb.read(path).data
    before, after = funnels_of(counts), funnels_of(counts, overdispersion="additive")
    told = pd.DataFrame(
        {
            "units": before.summary["units"],
            "target": before.summary["target"].round(4),
            "phi": before.summary["phi"].round(1),
            "before": before.summary["outside_998"],
            "after": after.summary["outside_998"],
        }
    ).set_axis(short(before.summary["measure"]), axis=0)
    assert told.T.to_dict("list") == {
        "apgar_0_6_term": [122, 0.0118, 7.2, 23, 0],
        "born_before_37_weeks": [122, 0.0801, 7.4, 29, 1],
        "first_feed_breastmilk": [122, 0.7292, 222.6, 98, 1],
        "smoking_at_booking": [123, 0.1322, 74.1, 75, 3],
        "skin_to_skin_term": [119, 0.7311, 664.7, 105, 8],
        "low_birthweight_term": [116, 0.0378, 787.3, 57, 2],
        "caesarean": [122, 0.3781, 41.8, 72, 2],
    }


# --------------------------------------------------------------------------- both years at once


def test_two_years_are_added_up_and_a_window_takes_one():
    both = [sb.read(real(f"msds-annual-{year}.csv")).data for year in YEARS]
    counts = pd.concat(both, ignore_index=True)
    truth = [published(real(f"msds-annual-{year}.csv")) for year in YEARS]
    units = funnels_of(counts).units
    mine = units.assign(measure=short(units["measure"])).set_index(["measure", "unit"])
    total = pd.concat(truth).dropna().groupby(["measure", "unit"]).sum()
    total = total[total["denominator"] > 0]
    some = mine[mine["status"] == "ok"].sort_index()
    assert some.index.equals(total.index)
    np.testing.assert_array_equal(some["numerator"].astype(float), total["numerator"])
    assert set(some["periods"]) == {1, 2}
    one = funnels_of(counts, first="2022-04-01").units
    alone = funnels_of(both[1]).units
    kept = one[one["status"] == "ok"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, alone[alone["status"] == "ok"].reset_index(drop=True))
