"""Estimates from counts: sums by hand, what is refused, and the words that go with them."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pandas as pd
import pytest

import spcbench
from spcbench.errors import InputError, OptionError, UnknownNameError
from spcbench_pop.impact import (
    capped_lives,
    effects,
    impact_of_counts,
    impact_of_numbers,
    implied_treated,
    summary_lines,
)
from spcbench_pop.impact import settings as settings_module
from spcbench_pop.impact.facts import (
    BELOW_WEEKS,
    OUR_PACKS,
    cohort_below,
    counterfactual_of,
    counterfactuals,
    unit_cost_of,
    without_number,
)
from spcbench_pop.impact.settings import alternatives, method_of, settings_of

MGSO4 = "pop@2023:mgso4"
OCM = "pop@2023:ocm"


def counts(rows, measure=MGSO4, **columns) -> pd.DataFrame:
    """Rows of (unit, period, numerator, denominator)."""
    frame = pd.DataFrame(rows, columns=["unit", "period", "numerator", "denominator"])
    return frame.assign(measure=measure, period=pd.to_datetime(frame["period"]), **columns)


def two_years(before: int, after: int, of: int = 100, **columns) -> pd.DataFrame:
    """Twelve months of one rate, then twelve of another, at two trusts each of half the cases."""
    months = pd.date_range("2022-01-01", periods=24, freq="MS")
    rows = [
        (unit, month, (before if month.year == 2022 else after) // 2, of // 2)
        for unit in ("RJ1", "RJ7")
        for month in months
    ]
    return counts(rows, **columns)


# ----------------------------------------------------------------------------- by hand


def test_gross_and_incremental_stand_side_by_side():
    total = impact_of_counts(two_years(60, 80), nnt=40).totals.iloc[0]

    # 12 * 60 + 12 * 80 = 1,680 of 2,400; 1,680 / 40; (0.7 - 0.658) * 2,400 / 40
    assert (total["treated"], total["eligible"], total["rate"]) == (1680, 2400, 0.7)
    assert total["gross"] == pytest.approx(42.0)
    assert total["incremental"] == pytest.approx(2.52)
    assert total["gross_value"] == pytest.approx(42e6)
    assert total["incremental_value"] == pytest.approx(2.52e6)
    assert total["counterfactual_rate"] == 0.658


def test_incremental_is_the_sum_over_periods_of_the_published_formula():
    frame = counts(
        [("RJ1", f"2023-{month:02d}-01", 10 + month, 20 + month) for month in range(1, 13)]
    )
    total = impact_of_counts(frame, counterfactual=0.5, nnt=37).totals.iloc[0]

    rate = frame["numerator"] / frame["denominator"]
    assert total["incremental"] == pytest.approx(((rate - 0.5) * frame["denominator"] / 37).sum())


def test_the_first_year_is_compared_with_and_not_compared():
    found = impact_of_counts(two_years(60, 80), counterfactual="first-year", nnt=40)
    first, second, total = found.lines.to_dict("records")

    assert total["counterfactual_rate"] == pytest.approx(0.6)
    assert (first["eligible_compared"], second["eligible_compared"]) == (0, 1200)
    assert math.isnan(first["incremental"])
    assert second["incremental"] == pytest.approx((0.8 - 0.6) * 1200 / 40)
    assert total["incremental"] == second["incremental"]
    assert total["gross"] == pytest.approx(first["gross"] + second["gross"])


def test_a_first_year_is_less_certain_than_a_given_rate():
    given, own = (
        impact_of_counts(two_years(60, 80), counterfactual=what, nnt=40, first=begin).totals.iloc[0]
        for what, begin in ((0.6, "2023-01"), ("first-year", None))
    )

    assert own["incremental"] == pytest.approx(given["incremental"])
    assert own["incremental_low"] < given["incremental_low"]
    assert own["incremental_high"] > given["incremental_high"]


def test_an_uplift_is_applied_to_those_eligible():
    total = impact_of_counts(two_years(80, 80), counterfactual="uplift-four-years", nnt=58).totals
    found = total.iloc[0]

    assert found["incremental"] == pytest.approx(2400 * 0.058 / 58)
    assert found["counterfactual_rate"] == pytest.approx(0.8 - 0.058)
    # The evaluation's limits, 2.69 to 8.86 points, and the number needed, 37 to 63, both count.
    assert 2400 * 0.0269 / 63 < found["incremental_low"] < 2400 * 0.0269 / 37
    assert 2400 * 0.0886 / 63 < found["incremental_high"] < 2400 * 0.0886 / 37


def test_a_rate_that_fell_is_shown_as_fewer():
    total = impact_of_counts(two_years(80, 60), counterfactual="first-year").totals.iloc[0]

    assert total["incremental"] < total["incremental_high"] < 0
    assert total["incremental_value"] < 0


def test_lines_are_years_and_a_total_worked_out_anew():
    frame = counts([("RJ1", "2023-03-01", 30, 37), ("RJ1", "2023-04-01", 30, 37)])

    calendar = impact_of_counts(frame, rounding="floor").lines
    financial = impact_of_counts(frame, rounding="floor", by="financial_year").lines
    whole = impact_of_counts(frame, rounding="floor", by="all").lines

    assert calendar["when"].to_list() == ["2023", "all"]
    assert financial["when"].to_list() == ["2022/23", "2023/24", "all"]
    assert financial["gross"].to_list() == [0.0, 0.0, 1.0]  # years rounded by themselves
    assert whole["when"].to_list() == ["all"]


def test_several_trusts_are_added_up_before_anything_is_divided():
    frame = counts([(unit, "2023-01-01", 20, 25) for unit in ("RJ1", "RJ7", "RJZ")])
    total = impact_of_counts(frame, rounding="floor").totals.iloc[0]

    assert (total["unit"], total["gross"]) == ("3 units", 1.0)
    assert impact_of_counts(frame, unit="RJ1").totals.iloc[0]["unit"] == "RJ1"


def test_missing_care_is_left_out_and_told():
    frame = counts([("RJ1", "2023-01-01", 20, 25)], missing=3)
    found = impact_of_counts(frame)

    assert found.totals.iloc[0]["missing"] == 3
    assert "of 3 more it is not known, and they are left out" in summary_lines(found)[1]


def test_babies_divided_by_a_number_of_women_are_told():
    baby = impact_of_counts(counts([("RJ1", "2023-01-01", 20, 25)], measure="periprem@2021:mgso4"))
    asked = impact_of_numbers(259, counted="babies")
    usual = impact_of_counts(counts([("RJ1", "2023-01-01", 20, 25)]))

    assert baby.totals["counted"].to_list() == asked.totals["counted"].to_list() == ["babies"]
    for found in (baby, asked):
        assert "of women, yet babies are divided by it" in " ".join(summary_lines(found))
    assert "Treated: 20 of 25 women" in summary_lines(usual)[1]
    assert "yet babies" not in " ".join(summary_lines(usual))
    with pytest.raises(OptionError, match="counted must be one of women, babies, not 'mothers'"):
        settings_of(MGSO4, counted="mothers")


def test_withheld_counts_are_left_out_and_told_never_nought():
    frame = counts([("RJ1", "2023-01-01", 20, 25), ("RJ1", "2023-02-01", None, None)])
    frame["status"] = ["ok", "suppressed"]
    found = impact_of_counts(frame)

    assert found.totals.iloc[0]["treated"] == 20
    assert found.notes[:1] == (
        f"{MGSO4}: 1 of 2 periods have no count (withheld or not reported) and are left out: the "
        "estimate is of the others",
    )
    assert found.notes[0] in summary_lines(found)


def test_windows_that_overlap_are_not_added_up():
    frame = two_years(60, 80)
    ends = frame["period"] + pd.DateOffset(months=3) - pd.DateOffset(days=1)

    with pytest.raises(InputError, match="adding periods up would count cases more than once"):
        impact_of_counts(frame.assign(period_end=ends))
    apart = frame.assign(period_end=frame["period"] + pd.offsets.MonthEnd(0))
    assert impact_of_counts(apart).totals["treated"].to_list() == [1680]


def test_months_without_anybody_eligible_are_no_gap():
    frame = counts([("RJ1", "2023-01-01", 20, 25), ("RJ1", "2023-02-01", 0, 0)])

    assert not [note for note in impact_of_counts(frame).notes if "no count" in note]


def test_levels_are_never_added_to_one_another():
    frame = pd.concat(
        [
            counts([("RJ1", "2023-01-01", 20, 25)], level="provider"),
            counts([("Y56", "2023-01-01", 20, 25)], level="region"),
        ]
    )

    with pytest.raises(InputError, match="level"):
        impact_of_counts(frame)
    assert impact_of_counts(frame, level="region").totals.iloc[0]["treated"] == 20


def test_row_order_is_irrelevant():
    frame = two_years(60, 80)

    ordered, shuffled = (
        impact_of_counts(one).lines for one in (frame, frame.sample(frac=1, random_state=2))
    )
    pd.testing.assert_frame_equal(ordered, shuffled)


def test_each_measure_is_estimated_by_itself():
    frame = pd.concat([two_years(60, 80), two_years(50, 70, measure=OCM)])
    found = impact_of_counts(frame, measures=[MGSO4, OCM])

    assert found.totals["outcome"].to_list() == ["cases of cerebral palsy", "lives"]
    assert found.totals["counted"].to_list() == ["women", "babies"]
    assert "must not be added up" in summary_lines(found)[-1]


# -------------------------------------------------------------- the published London figures


@pytest.mark.parametrize("women", [2257, 2275, 2293])
def test_the_preset_gives_61_cases_and_61_million(women):
    total = impact_of_numbers(women, preset="hin_london_2024").totals.iloc[0]

    assert (total["gross"], total["gross_value"]) == (61.0, 61_000_000.0)
    assert total["rounding"] == "floor"


@pytest.mark.parametrize(("women", "cases"), [(2256, 60), (2294, 62)])
def test_the_preset_gives_61_for_no_other_number(women, cases):
    assert impact_of_numbers(women, preset="hin_london_2024").totals.iloc[0]["gross"] == cases


def test_the_preset_says_nothing_of_282_lives():
    for women, eligible in ((2257, 2453), (2293, 2492)):
        found = impact_of_numbers(women, eligible, preset="hin_london_2024")
        words = " ".join(summary_lines(found))
        assert "282" not in words
        assert "lives" not in words
    with pytest.raises(OptionError, match="there is no effect 'mgso4-programme'"):
        settings_of(OCM, preset="hin_london_2024")


def test_the_share_treated_fits_the_published_92_per_cent():
    low, high = implied_treated(61, rounding="floor")

    assert (round(low / 0.92), round(high / 0.92)) == (2453, 2492)


# ------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("measure", "options", "said"),
    [
        ("mine@1:mgso4", {}, "say with below_weeks that those of mine@1:mgso4 are"),
        ("mine@1:mgso4", {"below_weeks": 32}, "takes births below 32. Count those below 30 weeks"),
        (MGSO4, {"below_weeks": 34}, f"{MGSO4} takes births below 30 weeks, not below 34"),
        (OCM, {"effect": "ocm-fogarty-2018-28"}, "takes births below 34. Count those below 29"),
        (OCM, {"unit_cost": "1.0m"}, "a unit cost is of a case of cerebral palsy"),
        (OCM, {"effect": "ocm-icomp-2023"}, "needs a baseline risk"),
        (OCM, {"effect": "ocm-bapm", "baseline_risk": 0.1}, "has no relative risk"),
        (MGSO4, {"nnt": 37, "baseline_risk": 0.1}, "not both"),
        (MGSO4, {"nnt_low": 30}, "is given as all of nnt, low and high"),
        (MGSO4, {"nnt": 20, "nnt_low": 30, "nnt_high": 40}, "it was given 30, 20, 40"),
        (MGSO4, {"counterfactual": 65.8}, "write 65.8 % as 0.658"),
        (MGSO4, {"rounding": "up"}, "rounding must be one of none, floor, nearest"),
        (MGSO4, {"unit_cost": 1}, "Write a million as 1.0m"),
        ("pop@2023:caffeine", {}, "is taken unless it is named: caffeine-cap (not verified)"),
        ("pop@2023:hydrocortisone", {}, "the evidence is not settled"),
        ("pop@2023:embm_24h", {}, "no number needed to treat was found"),
    ],
)
def test_what_does_not_go_together_is_refused(measure, options, said):
    with pytest.raises(OptionError, match=re.escape(said)):
        settings_of(measure, **options)


@pytest.mark.parametrize(
    ("options", "near"),
    [
        ({"preset": "programm"}, "programme"),
        ({"effect": "mgso4-crowther"}, "mgso4-crowther-2017"),
        ({"counterfactual": "first-yaer"}, "first-year"),
        ({"unit_cost": "a lot"}, "programme"),
        ({"effect": ["mgso4-programe"]}, "mgso4-programme"),
    ],
)
def test_unknown_names_list_near_ones(options, near):
    with pytest.raises(UnknownNameError, match=near):
        settings_of(MGSO4, **options)


def test_a_measure_of_another_pack_may_say_what_it_covers():
    assert settings_of("mine@1:mgso4", below_weeks=28).below_weeks == 28
    assert settings_of(MGSO4).below_weeks == 30


def test_nobody_eligible_is_refused():
    with pytest.raises(InputError, match="has nobody eligible"):
        impact_of_counts(counts([("RJ1", "2023-01-01", 0, 0)]))
    with pytest.raises(InputError, match="has nobody eligible"):
        impact_of_counts(two_years(60, 80), first="2030-01")


def test_a_first_year_needs_more_than_a_year():
    short = two_years(60, 80).query("period < '2023-01-01'")

    with pytest.raises(InputError, match="nothing after the first twelve months"):
        impact_of_counts(short, counterfactual="first-year")
    with pytest.raises(OptionError, match="numbers alone have no first year"):
        impact_of_numbers(20, 25, counterfactual="first-year")


def test_a_first_year_that_nobody_asked_for_is_no_error():
    found = impact_of_counts(
        two_years(60, 80, measure=OCM).query("period < '2023-01-01'"), measures=OCM
    )

    assert found.totals["incremental"].isna().all()
    assert "there are no periods after the first twelve months" in summary_lines(found)[3]


def test_more_treated_than_eligible_is_refused():
    with pytest.raises(OptionError, match="12 treated is more than the 10 eligible"):
        impact_of_numbers(12, 10)


# ------------------------------------------------------------------- ranges and other figures


def test_one_number_is_never_the_whole_answer():
    for nnt in (37, 46, 63, 80):
        total = impact_of_numbers(2000, nnt=nnt).totals.iloc[0]
        assert total["gross_low"] < total["gross_high"]
    given = impact_of_numbers(2000, nnt=50, nnt_low=40, nnt_high=60).totals.iloc[0]
    assert (given["gross_low"], given["gross_high"]) == pytest.approx((2000 / 60, 2000 / 40))


def test_a_number_alone_says_that_its_range_is_not_its_own():
    alone = impact_of_numbers(2000, nnt=300)
    (line,) = [one for one in summary_lines(alone) if "Number needed" in one]
    assert line == (
        "  Number needed to treat: 300, as given without a range of its own; so that figures do "
        "not look surer than they are, they reach over that of the English programme too: 37 to "
        "300."
    )
    assert method_of(alone.settings[0])["nnt"] == (
        "given without a range; that of mgso4-programme is taken in"
    )
    whole = impact_of_numbers(2000, nnt=300, nnt_low=200, nnt_high=math.inf)
    (line,) = [one for one in summary_lines(whole) if "Number needed" in one]
    assert line == "  Number needed to treat: 300, range 200 to no effect, as given."
    assert method_of(whole.settings[0])["nnt"] == "given"
    # Other figures keep their own ranges and sources.
    own = alternatives(alone.settings[0], compare=False)
    assert [one.nnt_alone or one.nnt_given for one in own] == [False] * 3


def test_an_effect_that_is_not_verified_is_no_other_figure(monkeypatch):
    chosen = settings_of(MGSO4)
    known = effects("mgso4")
    doubtful = replace(known[1], id="doubtful", verified=False)
    monkeypatch.setattr(settings_module, "effects", lambda measure=None: (*known, doubtful))
    ids = [one.effect.id for one in alternatives(chosen, compare=False)]
    assert ids == [one.id for one in known]


def test_the_sensitivity_range_of_the_programmes_number():
    others = impact_of_numbers(2220).alternatives.set_index("effect")

    assert others["nnt"].round(0).to_dict() == {
        "mgso4-programme": 37,
        "mgso4-crowther-2017": 46,
        "mgso4-cochrane-2009": 63,
    }
    assert others.loc["mgso4-cochrane-2009", ["nnt_low", "nnt_high"]].to_list() == [39, 172]
    assert others["gross"].round(1).to_list() == [60.0, 48.0, 35.2]


def test_other_figures_are_verified_and_cover_the_births():
    frame = pd.concat([two_years(60, 80), two_years(60, 80, measure=OCM)])
    others = impact_of_counts(frame, measures=[MGSO4, OCM]).alternatives

    assert others["verified"].all()
    assert "ocm-fogarty-2018-28" not in set(others["effect"])
    assert set(others[others["measure"].eq(MGSO4)]["counterfactual"]) == {
        one.label for one in counterfactuals("mgso4")
    }


def test_a_span_without_a_point_gives_none():
    found = impact_of_numbers(348, measure="ocm", effect="ocm-bapm", rounding="floor")
    total = found.totals.iloc[0]

    assert math.isnan(total["nnt"])
    assert math.isnan(total["gross"])
    assert (total["gross_low"], total["gross_high"]) == (6.0, 11.0)
    assert "6 to 11 lives saved." in summary_lines(found)[2]


def test_a_baseline_risk_makes_the_number_needed():
    found = settings_of("pop@2023:steroids_any", effect="steroids-cochrane-2020", baseline_risk=0.1)

    assert (found.nnt.low, found.nnt.point, found.nnt.high) == pytest.approx(
        (1 / 0.030, 1 / 0.022, 1 / 0.013)
    )
    assert not found.effect.verified


def test_what_is_not_verified_says_so():
    found = impact_of_numbers(100, 120, measure="caffeine", effect="caffeine-cap", unit_cost="0.8m")

    assert not found.totals["verified"].any()
    assert "  NOT VERIFIED: this effect still has to be checked at its source." in summary_lines(
        found
    )


# ------------------------------------------------------------------------------- the words


def test_the_words_say_what_it_is_and_is_not():
    lines = summary_lines(impact_of_numbers(2270, 2467, preset="hin_london_2024"))
    text = " ".join(lines)

    assert "Treated: 2,270 of 2,467 women eligible (92.0 %)." in text
    assert "about 61 cases of cerebral palsy prevented, range 36 to 61" in text
    assert "Against England in 2017, before the programme (65.8 %): about 17 cases" in text
    assert "£1m a case (programme convention)" in text
    for promise in (
        "An estimate",
        "No case was counted",
        "primary origin is not known",
        "no probability goes with this range",
        "lifetime cost to society",
        "not cash released to the NHS",
        "price year is not known",
        "Gross sets everyone treated against nobody treated",
        "does not show what brought the change about",
        "women are counted, figures are rounded down, births are below 30 weeks",
    ):
        assert promise in text


def test_without_the_number_eligible_nothing_is_compared():
    found = impact_of_numbers(2270)

    assert found.totals["incremental"].isna().all()
    assert "the number eligible is not" in " ".join(summary_lines(found))
    assert "does not show what brought" not in " ".join(summary_lines(found))


def test_one_case_is_one_case():
    assert "about 1 case of cerebral palsy prevented" in " ".join(
        summary_lines(impact_of_numbers(40, rounding="floor"))
    )


# --------------------------------------------------------------------------------- together


def test_lives_together_are_fewer_than_their_sum():
    frame = pd.concat(
        [two_years(60, 80, measure="pop@2023:steroids_any"), two_years(60, 80, measure=OCM)]
    )
    found = impact_of_counts(
        frame,
        measures=["pop@2023:steroids_any", OCM],
        effect=["steroids-glover-williams-2022"],
        baseline_risk=0.1,
    )
    together = capped_lives(found, baseline_deaths=240)

    # 240 deaths; each spares 0.7 of its reduction of what is left: 0.31 and 0.32.
    left = (1 - 0.31 * 0.7) * (1 - 0.32 * 0.7)
    assert together.gross.point == pytest.approx(240 * (1 - left))
    assert together.gross.point < together.added
    assert "counts the same babies more than once" in together.words


def test_lives_together_need_relative_risks_of_death_and_uptakes():
    with pytest.raises(OptionError, match="'mgso4-programme' has no relative risk of death"):
        capped_lives(impact_of_numbers(20, 25), baseline_deaths=10)
    with pytest.raises(OptionError, match="need the number eligible"):
        capped_lives(impact_of_numbers(20, measure="ocm"), baseline_deaths=10)


# --------------------------------------------------------------------------------- the facts


def test_every_fact_says_where_it_comes_from():
    for one in (*effects(), *counterfactuals(), *without_number()):
        assert one.source
    assert {one.id for one in effects() if one.default} == {"mgso4-programme", "ocm-fogarty-2018"}
    assert all(one.verified for one in effects() if one.default)


def test_facts_not_verified_are_marked():
    assert {one.id for one in effects() if not one.verified} == {
        "ocm-icomp-2023",
        "steroids-cochrane-2020",
        "caffeine-cap",
        "vtv-review",
        "probiotics-nec",
        "probiotics-death",
    }


def test_numbers_worked_out_from_sources_are_right():
    known = {one.id: one for one in effects()}

    ilcor = known["ocm-ilcor-2021"]
    assert (ilcor.nnt, ilcor.nnt_low) == pytest.approx(
        (1 / (0.93 * 0.02), 1 / (0.93 * 0.04)), abs=0.1
    )
    helenius = known["place_of_birth-helenius-2019"]
    risk = 0.195
    needed = [1 / (odds * risk / (1 - risk + odds * risk) - risk) for odds in (1.77, 1.34, 1.02)]
    assert needed == pytest.approx([helenius.nnt_low, helenius.nnt, helenius.nnt_high], rel=0.06)
    assert known["ocm-fogarty-2018"].nnt == 33


def test_women_for_care_before_birth_and_babies_after():
    assert {one.measure: one.counted for one in effects()} == {
        "mgso4": "women",
        "steroids_any": "women",
        **dict.fromkeys(("ocm", "place_of_birth", "caffeine", "vtv", "probiotics"), "babies"),
    }


@pytest.mark.parametrize(
    ("given", "pounds"),
    [
        ("1.0m", 1e6),
        ("0.8m", 8e5),
        ("£1m", 1e6),
        ("800k", 8e5),
        ("1,000,000", 1e6),
        (650_000, 6.5e5),
        ("programme", 1e6),
        ("ahsn", 8e5),
    ],
)
def test_unit_costs_as_people_write_them(given, pounds):
    assert unit_cost_of(given).pounds == pounds


def test_england_in_2017_is_the_published_reference_value():
    published = {
        one.period: one.value
        for pack in OUR_PACKS
        for measure in _measures(pack)
        if measure.id == "mgso4"
        for one in measure.references
        if one.place == "England"
    }

    assert counterfactual_of("england-2017", "mgso4").rate == published["2017"]


def _measures(pack: str):
    import spcbench_pop

    packs = [one for one in spcbench_pop.spcbench_packs() if one.id == pack]
    return [measure for one in packs for measure in one.measures]


@pytest.mark.parametrize("name", sorted(set(BELOW_WEEKS) - {"place_of_birth"}))
def test_our_packs_keep_to_the_births_that_effects_hold_for(name):
    """No measure of ours counts a birth at or after the weeks that are said of it."""
    import spcbench_pop

    births = pd.DataFrame(
        {"u": ["in", "out"], "ga_days": [7 * BELOW_WEEKS[name] - 1, 7 * BELOW_WEEKS[name]]}
    ).assign(d="2024-01-01", births=1, admitted=True, admission_age_hours=1.0, mgso4_given=True)
    births = births.assign(caffeine_within_24h=True, hydrocortisone_within_24h=True)
    seen = 0
    for pack in spcbench_pop.spcbench_packs():
        if name not in {one.id for one in pack.measures}:
            continue
        seen += 1
        counted = spcbench.count(
            births, packs=[pack], measures=[name], unit_column="u", date_column="d"
        ).counts.set_index("unit")["denominator"]
        assert counted.get("in", 0) == 1
        assert counted.get("out", 0) == 0
    assert seen


def test_measures_of_ours_are_known_by_their_pack():
    assert cohort_below("periprem@2021:ocm") == 34
    assert cohort_below("nnap@2022:mgso4") == 30
    assert cohort_below("mgso4") is None


def test_settings_are_frozen_and_may_be_replaced():
    found = settings_of(MGSO4)

    with pytest.raises(AttributeError):
        found.rounding = "floor"
    assert replace(found, rounding="floor").rounding == "floor"


# ------------------------------------------------- what a new user stumbled over


def test_an_effect_of_another_measure_is_never_passed_over():
    table = two_years(60, 80, measure=OCM)
    for given in ("mgso4-programme", ["mgso4-programme"], ("ocm-ilcor-2021", "mgso4-programme")):
        with pytest.raises(OptionError, match="'mgso4-programme' is of 'mgso4', not of 'pop@2023:"):
            impact_of_counts(table, measures=OCM, effect=given)
    with pytest.raises(OptionError, match="is of 'mgso4', not of 'ocm'"):
        impact_of_numbers(70, 100, measure="ocm", effect=["mgso4-programme"])


def test_an_effect_of_one_of_several_measures_is_taken_for_that_one():
    table = pd.concat([two_years(60, 80), two_years(60, 80, measure=OCM)])
    found = impact_of_counts(table, measures=[MGSO4, OCM], effect=["ocm-ilcor-2021"])

    assert [one.effect.id for one in found.settings] == ["mgso4-programme", "ocm-ilcor-2021"]


@pytest.mark.parametrize(
    ("measure", "effect", "nnt"),
    [
        ("caffeine", "caffeine-cap", 34),
        ("ocm", "ocm-fogarty-2018-28", 20),
        ("vtv", "vtv-review", 8),
    ],
)
def test_no_range_is_told_where_limits_of_the_effect_are_not_known(measure, effect, nnt):
    options = {"measure": measure, "effect": effect, "below_weeks": 28, "counterfactual": 0.5}
    found = impact_of_numbers(2900, 3000, **options)
    total = found.totals.iloc[0]
    said = "\n".join(summary_lines(found))

    assert total["gross"] == pytest.approx(2900 / nnt)
    assert total["incremental"] == pytest.approx(1400 / nnt)
    ends = [f"{name}_{end}" for name in ("nnt", "gross", "incremental") for end in ("low", "high")]
    assert total[ends].isna().all()
    assert said.count("no range, because the limits of this effect are not known") == 2
    assert not re.search(r"range \d|Ranges carry", said)
    assert "nan" not in said


def test_a_number_of_ones_own_needs_its_range_where_the_effect_has_none():
    options = {"measure": "caffeine", "effect": "caffeine-cap"}
    with pytest.raises(OptionError, match="no range is known"):
        impact_of_numbers(100, 120, nnt=30, **options)

    found = impact_of_numbers(100, 120, nnt=30, nnt_low=20, nnt_high=60, **options).totals.iloc[0]
    assert found["gross_low"] < 100 / 30 < found["gross_high"]


def test_lives_together_have_no_range_where_an_effect_has_none():
    found = impact_of_numbers(
        700,
        1000,
        measure="steroids_any",
        effect="steroids-glover-williams-2022",
        baseline_risk=0.1,
        counterfactual=0.3,
    )
    said = capped_lives(found, baseline_deaths=100).words

    assert "range" not in said.replace("no range", "")
    assert "limits are not known of steroids-glover-williams-2022" in said


@pytest.mark.parametrize(
    ("treated", "rate", "said", "never"),
    [
        # 90 of 100 against 92 %: the limits lie on both sides of none.
        (90, 0.92, "no more than chance may give", "cases of cerebral palsy prevented, range -"),
        # 60 of 100 against 99 %: 39 fewer than at that rate.
        (60, 0.99, "fewer were treated than that: about 1.1 cases of cerebral palsy more", "-£"),
    ],
)
def test_a_difference_that_is_none_or_the_other_way_is_not_called_prevented(
    treated, rate, said, never
):
    lines = summary_lines(impact_of_numbers(treated, 100, counterfactual=rate))
    (told,) = [line for line in lines if "Against a rate" in line]
    (value,) = [line for line in lines if "Value" in line]

    assert said in told
    assert "prevented" not in told
    assert never not in (told + value)
    assert ("more cost than at that rate" in value) == (treated == 60)


def test_one_trust_is_told_to_be_too_small_and_a_region_is_not():
    def notes(**columns):
        table = two_years(6, 8, of=20, **columns)
        return impact_of_counts(table[table["unit"] == "RJ1"]).notes

    assert "too small" in notes()[0]  # 12 * 3 + 12 * 4 = 84 women: 2.3 cases
    assert "too small" in notes(level="provider")[0]
    assert notes(level="region") == ()
    assert impact_of_counts(two_years(6, 8, of=20)).notes == ()  # two trusts added up


def test_what_two_measures_share_is_said_once():
    table = pd.concat([two_years(60, 80), two_years(60, 80, measure=OCM)])
    found = impact_of_counts(table, measures=[MGSO4, OCM], counterfactual="first-year")

    assert sum(line.startswith("On the rate of the first") for line in summary_lines(found)) == 1


def test_a_percentage_is_told_as_a_share():
    with pytest.raises(OptionError, match=r"write 65\.8 % as 0\.658"):
        impact_of_numbers(60, 100, counterfactual="65.8 %")
