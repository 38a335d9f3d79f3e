"""Monthly files at the edges: rates that cannot be, two spellings, lost trusts, odd counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spcbench as sb
import spcbench_mis
from spcbench.errors import InputError
from spcbench_mis import monthly_rows as said
from spcbench_mis.dimension_file import dimension_counts
from spcbench_mis.measures_file import known_indicators, measures_counts
from spcbench_mis.monthly import looks_monthly
from spcbench_mis.monthly_cells import GROUPS, released, unit_of
from spcbench_mis.monthly_invented import invented_months, write_months
from spcbench_mis.quality_file import quality_counts

MEASURES = (
    "Org_Code,Org_Name,Org_Level,RPStartDate,RPEndDate,IndicatorFamily,Indicator,Currency,Value"
)
DATA = (
    "ReportingPeriodStartDate,ReportingPeriodEndDate,Dimension,Org_Level,Org_Code,Org_Name,"
    "Measure,Count_Of,Final_value"
)
DQ = (
    "ReportingPeriodStartDate,ReportingPeriodEndDate,Org_Code,DataTable,UID,DataItem,Valid,"
    "Default,Invalid,Missing,Denominator"
)
OLD = "Period,Dimension,Org Level,Org Code,Org Name,Measure_Desc,Count_Of,Value"
JULY, AUGUST = "2025-07-01,2025-07-31", "2025-08-01,2025-08-31"
UNKNOWN = "Missing value / Value outside reporting parameters"
ONE = "XX1,EXAMPLE TRUST,Provider"
TWO = "XX2,EXAMPLE TRUST,Provider"
ENGLAND = "National,All Submitters,National"
LATE = "SBL_Element5_OutcomeIndicator_l.a"


@pytest.fixture
def written(tmp_path):
    def write(rows, *, header=MEASURES, name="msds-jul2025-exp-measures.csv", end="\n"):
        path = tmp_path / name
        path.write_text("\n".join([header, *rows]) + end, encoding="utf-8")
        return path

    return write


def measure(indicator, denominator, numerator, rate, *, unit=ONE, days=JULY, per="Rate", more=()):
    cells = {"Denominator": denominator, "Numerator": numerator, per: rate, **dict(more)}
    return [f"{unit},{days},FAMILY,{indicator},{name},{text}" for name, text in cells.items()]


def late(denominator, numerator, rate, **more):
    return measure(LATE, denominator, numerator, rate, per="Rate per Thousand", **more)


def apgar(low, high, unknown=15, *, unit="XX1", level="Provider", days=JULY):
    head = f"{days},ApgarScore5TermGroup7,{level},{unit},EXAMPLE"
    return [
        f"{head},0 to 6,Babies,{low}",
        f"{head},7 to 10,Babies,{high}",
        f"{head},{UNKNOWN},Babies,{unknown}",
    ]


# Rates beside small counts.


@pytest.mark.parametrize(
    ("numerator", "rate", "fits"),
    [(5, 0, True), (5, 5, True), (5, 12, False), (0, 0, True), (0, 12, False), (5, "*", True),
     (15, 14, True), (15, 30, False), (15, 0, False)],
)  # fmt: skip
def test_a_rate_is_compared_with_its_counts(written, numerator, rate, fits):
    row = measures_counts(written(late(1085, numerator, rate))).iloc[0]
    assert (said.NOTE_MISFIT not in row["note"]) is fits
    if not fits or numerator == 5:
        assert np.isnan(row["value"])
    else:
        assert row["value"] == rate / 1000
    assert row["numerator"] == numerator
    assert row["published"] == ("small" if numerator == 5 else "ok")


def test_no_rate_comes_from_no_cases(written):
    row = measures_counts(written(late(0, 0, 12))).iloc[0]
    assert said.NOTE_MISFIT in row["note"]


def test_a_rate_of_no_cases_is_no_zero(written):
    row = measures_counts(written(late(0, 0, 0))).iloc[0]
    assert (row["numerator"], row["denominator"], row["published"]) == (0, 0, "ok")
    assert np.isnan(row["value"])


def test_a_chart_of_values_shows_5_as_5_and_not_as_the_0_beside_it(written, tmp_path):
    for month, numerator in enumerate([5, 10, 5, 15, 5, 10, 5, 10, 5, 10, 15, 10], 1):
        start = pd.Period(f"2024-{month:02d}")
        days = f"{start.start_time.date()},{start.end_time.date()}"
        rows = late(1000, numerator, 0 if numerator == 5 else numerator, days=days)
        written(rows, name=f"msds-{start.strftime('%b%Y').lower()}-exp-measures.csv")
    counts = sb.read(tmp_path)
    for kind in ("p", "i"):
        charts = sb.control_charts(counts, measure="sbl_late_second_trimester", chart=kind)
        assert charts.points["value"].iloc[0] == pytest.approx(0.005)


def test_a_rate_in_per_cent_forced_to_0_beside_a_small_count_fits(written):
    name = "SBL_Element3_ProcessIndicator_a"
    notes = {
        rate: measures_counts(written(measure(name, 400, 5, rate))).iloc[0]["note"]
        for rate in (0, 1.3, 1.8)
    }
    assert [said.NOTE_MISFIT in note for note in notes.values()] == [False, False, True]


@pytest.mark.parametrize(("rate", "fits"), [(71.3, True), (71.1, False), (71.6, False)])
def test_a_rate_in_per_cent_is_that_of_its_counts_to_one_decimal(written, rate, fits):
    rows = measure("SBL_Element3_ProcessIndicator_a", 400, 285, rate)
    note = measures_counts(written(rows)).iloc[0]["note"]
    assert (pd.isna(note) or said.NOTE_MISFIT not in note) is fits


def test_only_trusts_have_rates_that_must_fit(written):
    # England's rate is made from counts before rounding, its counts from rounded ones.
    rows = measure("SBL_Element3_ProcessIndicator_a", 4000, 2850, 71.9, unit=ENGLAND)
    rows += late(10_850, 150, 30, unit=ENGLAND)
    frame = measures_counts(written(rows))
    assert not frame["note"].astype("string").fillna("").str.contains(said.NOTE_MISFIT).any()
    assert frame["value"].max() == 0.030


# Counts that nobody rounded.


@pytest.mark.parametrize(("numerator", "denominator"), [(12, 1000), (3, 1000), (15, 1003)])
def test_counts_that_are_not_rounded_have_no_bounds(written, numerator, denominator):
    rows = late(denominator, numerator, round(1000 * numerator / denominator))
    row = measures_counts(written(rows)).iloc[0]
    assert said.NOTE_UNROUNDED == "counts are not rounded as published"
    assert said.NOTE_UNROUNDED in row["note"]
    assert (row["numerator"], row["denominator"]) == (numerator, denominator)
    assert pd.isna(row["numerator_low"])
    assert pd.isna(row["numerator_high"])


def test_a_count_that_is_not_rounded_stays_and_its_rate_must_be_its_own(written):
    row = measures_counts(written(late(1000, 13, 12))).iloc[0]
    assert (row["numerator"], row["numerator_published"], np.isnan(row["value"])) == (13, 13, True)
    assert said.NOTE_MISFIT in row["note"]
    row = measures_counts(written(late(1003, 13, 13))).iloc[0]
    assert (row["numerator"], row["value"]) == (13, 0.013)
    assert said.NOTE_MISFIT not in row["note"]


def test_counts_by_dimension_that_are_not_rounded(written):
    rows = [*apgar(12, 400), *apgar(10, 400, unit="XX2"), *apgar(10, 401, unit="XX3")]
    frame = dimension_counts(written(rows, header=DATA)).set_index("unit")
    notes = frame["note"].astype("string").fillna("").str.contains(said.NOTE_UNROUNDED)
    assert notes.to_dict() == {"XX1": True, "XX2": False, "XX3": True}
    assert frame["numerator_low"].notna().to_dict() == {"XX1": False, "XX2": True, "XX3": False}


def test_valid_records_that_are_not_rounded(written):
    item = "MSD001MotherDemog,M001901,EthnicCategoryMother"
    rows = [f"{JULY},XX1,{item},404,0,0,0,430", f"{JULY},XX2,{item},405,0,0,0,430"]
    frame = quality_counts(written(rows, header=DQ)).set_index("unit")
    notes = frame["note"].astype("string").fillna("").str.contains(said.NOTE_UNROUNDED)
    assert notes.to_dict() == {"XX1": True, "XX2": False}
    assert frame["numerator_low"].notna().to_dict() == {"XX1": False, "XX2": True}


def test_rounded_counts_are_not_said_to_be_unrounded(tmp_path):
    write_months(tmp_path, invented_months(trusts=4, months=1))
    notes = sb.read(tmp_path).data["note"].fillna("")
    assert not notes.str.contains(said.NOTE_UNROUNDED).any()
    assert not notes.str.contains(said.NOTE_MISFIT).any()


# A star stands for 1 to 7.


def test_a_star_is_an_interval(written):
    row = measures_counts(written(late(1000, "*", "*"))).iloc[0]
    assert (row["published"], pd.isna(row["numerator"])) == ("suppressed", True)
    assert (row["numerator_low"], row["numerator_high"]) == (1, 7)
    row = dimension_counts(written(apgar("*", 400), header=DATA)).iloc[0]
    assert (row["published"], row["numerator_low"], row["numerator_high"]) == ("suppressed", 1, 7)
    rows = [f"{JULY},XX1,MSD001MotherDemog,M001901,EthnicCategoryMother,*,0,0,0,430"]
    row = quality_counts(written(rows, header=DQ)).iloc[0]
    assert (row["published"], row["numerator_low"], row["numerator_high"]) == ("suppressed", 1, 7)


def test_a_star_elsewhere_is_no_interval_of_the_numerator(written):
    rows = [*late("*", 15, 14), *late("*", "*", "*", unit=ENGLAND)]
    frame = measures_counts(written(rows))
    assert frame["published"].eq("suppressed").all()
    assert frame["numerator_low"].isna().all()
    frame = dimension_counts(written(apgar(10, "*"), header=DATA))
    assert frame["published"].eq("suppressed").all()
    assert frame["numerator_low"].isna().all()


# Windows of data-quality measures.


def test_windows_and_lags_of_data_quality_measures(written):
    rows = [
        row
        for name in ("CQIMDQ02", "CQIMDQ09", "CQIMDQ10", "CQIMDQ14", "CQIMDQ30", "CQIMDQ13")
        for row in measure(name, 1000, 900, 90)
    ]
    frame = measures_counts(written(rows)).set_index("measure")
    spans = {
        name.rpartition(":")[2]: f"{row['period']:%b}-{row['period_end']:%b}"
        for name, row in frame.iterrows()
    }
    assert spans == {
        "cqimdq02": "Jun-Jun",
        "cqimdq09": "Jul-Jul",
        "cqimdq10": "Apr-Jun",
        "cqimdq14": "May-Jul",
        "cqimdq30": "May-Jul",
        "cqimdq13": "Feb-Jul",
    }


def test_windows_of_data_quality_measures_do_not_overlap(tmp_path):
    made = invented_months(trusts=2, months=13)
    write_months(tmp_path, made, kinds=("measures",))
    counts = sb.read(tmp_path).data
    own = counts[counts["unit"].eq("ZA01")]
    points = own.groupby(own["measure"].astype(str).str.rpartition(":")[2]).size()
    asked = points[["cqimdq02", "cqimdq10", "cqimdq14", "cqimdq30", "cqimdq13", "cqimdq15"]]
    assert asked.tolist() == [13, 5, 5, 5, 3, 13]
    text = own.groupby("measure")["note"].first()
    assert "every third month" in text["cqim-dq@2023:cqimdq14"]
    assert "six months added up, every sixth month" in text["cqim-dq@2023:cqimdq13"]
    assert said.NOTE_WINDOW_UNKNOWN in text["cqim-dq@2023:cqimdq15"]


def test_invented_data_quality_measures_add_up_the_months_of_their_windows():
    made = invented_months(trusts=3, months=8)
    births, quality = made.births, made.quality
    month, before = quality["CQIMDQ09"][1], quality["CQIMDQ02"][1]
    np.testing.assert_array_equal(month, births)
    np.testing.assert_array_equal(before[:, 1:], births[:, :-1])
    three = births[:, :-2] + births[:, 1:-1] + births[:, 2:]
    np.testing.assert_array_equal(quality["CQIMDQ14"][1][:, 2:], three)
    np.testing.assert_array_equal(quality["CQIMDQ10"][1][:, 3:], three[:, :-1])


def test_an_indicator_without_a_known_window_keeps_its_month(written):
    (known,) = (one for one in known_indicators() if one.indicator == "CQIMDQ15")
    assert (known.window, known.lag, known.judged) == (0, 0, False)
    row = measures_counts(written(measure("CQIMDQ15", 1000, 900, 90))).iloc[0]
    assert f"{row['period']:%F} {row['period_end']:%F}" == "2025-07-01 2025-07-31"


# Spellings.


@pytest.mark.parametrize(
    ("header", "more", "message"),
    [
        (f"{MEASURES},Final_value", "999", "the columns 'Value' and 'Final_value' mean the same"),
        (f"{MEASURES},Org_Geog_Code", "XX2", "'Org_Code' and 'Org_Geog_Code' mean the same"),
        (f"{MEASURES},VALUE", "15", "line 1: the column 'Value' stands there twice"),
        (f"{MEASURES},Period", "Dec-18", "column Period: 'Dec-18' is not the month of the dates"),
    ],
)
def test_two_columns_for_one_thing(written, header, more, message):
    rows = [f"{row},{more}" for row in late(1000, 15, 15)]
    with pytest.raises(InputError, match=message):
        measures_counts(written(rows, header=header))


@pytest.mark.parametrize("period", ["Jul-25", "July 2025", "2025-26"])
def test_a_period_that_agrees_with_the_dates_is_no_harm(written, period):
    rows = [f"{row},{period}" for row in late(1000, 15, 15)]
    assert len(measures_counts(written(rows, header=f"{MEASURES},Period"))) == 1


@pytest.mark.parametrize(
    "spelling",
    [
        "Missing value/Value outside reporting parameters",
        "missing Value /value Outside reporting parameters",
    ],
)
def test_the_missing_category_without_spaces(written, spelling):
    rows = [row.replace(UNKNOWN, spelling) for row in apgar(10, 400)]
    assert dimension_counts(written(rows, header=DATA)).iloc[0]["missing"] == 15


@pytest.mark.parametrize("period", ["18-Dec", "01/12/2018", "43435", "Sept-18"])
def test_a_month_that_was_damaged_is_said_to_be_no_month(written, period):
    row = f"{period},ApgarScore5TermGroup7,Provider,XX1,A TRUST,0 to 6,Babies,5"
    path = written([row], header=OLD, name="old.csv")
    assert looks_monthly(path.read_bytes(), path)
    with pytest.raises(InputError) as error:
        sb.read(path)
    assert f"'{period}' is not a month such as Dec-18" in str(error.value)


def test_a_financial_year_is_no_month(written):
    row = "2022-23,ApgarScore5TermGroup7,Provider,XX1,A TRUST,0 to 6,Babies,5"
    path = written([row], header=OLD, name="annual.csv")
    assert not looks_monthly(path.read_bytes(), path)


def test_a_code_in_small_letters_is_the_same_trust(written):
    frame = measures_counts(written([*late(1000, 15, 15, unit=ONE.replace("XX1", "xx1"))]))
    assert frame["unit"].tolist() == ["XX1"]
    rows = [*late(1000, 15, 15), *late(1000, 15, 15, unit=ONE.replace("XX1", "xx1"))]
    with pytest.raises(InputError, match="line 5 repeats line 2"):
        measures_counts(written(rows))


@pytest.mark.parametrize("name", ["msds-jul2025Provisional-x", "MSDS-JUL2025PROVISIONAL-x",
                                  "msds-jul2025provisional-x"])  # fmt: skip
def test_provisional_in_any_capitals(name):
    assert released(name) == "provisional"


def test_words_mean_what_they_do_at_their_level_only():
    assert unit_of("Group 3. 4000 or more", "group") == GROUPS["3"]
    assert unit_of("GROUP 3 TRUST", "provider") == "GROUP 3 TRUST"
    assert unit_of("ALL", "national") == "National"
    assert unit_of("ALL", "provider") == "ALL"
    assert unit_of("", "national") == "National"


# Damaged files.


def test_a_row_with_too_many_cells_is_named(written):
    rows = late(1000, 15, 15)
    with pytest.raises(InputError, match="line 4 has 10 cells, the header has 9"):
        measures_counts(written([*rows[:2], rows[2] + ",9"]))


def test_null_bytes_are_no_text(written):
    with pytest.raises(InputError, match="is not plain text"):
        measures_counts(written([row.replace("XX1", "X\x001") for row in late(1000, 15, 15)]))


def test_part_of_a_woman_is_refused_in_the_denominator_too(written):
    with pytest.raises(InputError, match=r"line 2, column Value: '400\.5' is not a whole number"):
        measures_counts(written(late("400.5", 15, 37)))


# What stands and what does not.


def test_lone_rates_stand_level_by_level(written):
    name = "SBL_Element3_ProcessIndicator_a"
    rows = [*measure(name, 400, 285, 71.3), f"{ENGLAND},{JULY},FAMILY,{name},Rate,70"]
    rows += [f"{TWO},{JULY},FAMILY,{name},Rate,70"]
    frame = measures_counts(written(rows)).set_index("unit")
    assert frame["published"].astype(str).to_dict() == {
        "XX1": "ok", "National": "rate_only", "XX2": "incomplete"
    }  # fmt: skip
    assert frame.loc["National", "value"] == 0.70


def test_levels_that_say_where_women_live_are_left_out_of_measures_too(written):
    rows = [*late(1000, 15, 15), *late(1000, 20, 20, unit="E01,A PLACE,CCG of Responsibility")]
    frame = measures_counts(written(rows))
    assert frame["unit"].tolist() == ["XX1"]


def test_absent_is_told_month_by_month_in_a_file_of_two_months(written):
    name = "SBL_Element3_ProcessIndicator_a"
    rows = [
        *late(1000, 15, 15),
        *measure(name, 400, 285, 71.3, unit=TWO),
        *late(1000, 15, 15, days=AUGUST),
    ]
    frame = measures_counts(written(rows))
    absent = frame[frame["published"].eq("absent")]
    july = pd.Timestamp("2025-07-01")
    assert sorted(absent["unit"]) == ["XX1", "XX2"]
    assert absent["reporting_month"].astype("datetime64[us]").eq(july).all()


def test_only_trusts_are_said_to_be_off_the_list(written):
    rows = [*late(1000, 15, 15), *late(10_000, 150, 15, unit=ENGLAND)]
    frame = measures_counts(written(rows)).set_index("unit")
    notes = frame["note"].astype("string").fillna("").str.contains(said.NOTE_UNLISTED)
    assert notes.to_dict() == {"XX1": True, "National": False}


def test_sites_have_bounds_and_england_has_none(written):
    rows = [
        *apgar(10, 400),
        *apgar(10, 400, unit="RXX01", level="Delivery Site"),
        *apgar(1000, 40_000, unit="ALL", level="National"),
    ]
    frame = dimension_counts(written(rows, header=DATA)).set_index("unit")
    low = frame["numerator_low"].astype("Int64").fillna(-1)
    assert low.to_dict() == {"XX1": 8, "RXX01": 8, "National": -1}


# Many files.


def both(written, first, second, *, names=None, header=MEASURES):
    names = names or ("msds-jul2025-exp-measures.csv", "msds-jul2025-exp-measures_v2.csv")
    return [
        written(rows, name=name, header=header)
        for rows, name in zip((first, second), names, strict=True)
    ]


APGAR_RESULT = {"per": "Rate per Thousand", "more": {"Result": "Pass"}}


@pytest.mark.parametrize(
    "other",
    [
        measure("CQIMApgar", 1085, 15, 15, **APGAR_RESULT),
        measure("CQIMApgar", 1090, 15, 14, **APGAR_RESULT),
        measure("CQIMApgar", 1085, 20, 14, **APGAR_RESULT),
        measure("CQIMApgar", 1085, 15, 14, per="Rate per Thousand"),
        measure("CQIMApgar", "DNS", "DNS", "DNS", **APGAR_RESULT),
    ],
    ids=["rate", "denominator", "numerator", "result", "word"],
)
def test_two_finals_that_differ_in_anything_are_refused(written, other):
    files = both(written, measure("CQIMApgar", 1085, 15, 14, **APGAR_RESULT), other)
    with pytest.raises(InputError, match=r"give different figures for .*, and neither is marked"):
        spcbench_mis.read_months(files)


def test_two_withheld_for_different_reasons_differ(written):
    files = both(written, late("DNS", "DNS", "DNS"), late(0, 0, "Low DQ"))
    with pytest.raises(InputError, match="give different figures"):
        spcbench_mis.read_months(files)


def test_two_finals_that_differ_in_the_unknown_are_refused(written):
    names = ("msds-jul2025-exp-data.csv", "msds-jul2025-exp-data_v2.csv")
    files = both(written, apgar(10, 400, 5), apgar(10, 400, 50), names=names, header=DATA)
    with pytest.raises(InputError, match="give different figures for msds-monthly"):
        spcbench_mis.read_months(files)


def test_two_provisional_files_that_differ_are_said_to_be_provisional(written):
    names = ("msds-jul2025Provisional-exp-measures.csv", "msds-jul2025provisional-exp-2.csv")
    files = both(written, late(1000, 15, 15), late(1000, 20, 20), names=names)
    with pytest.raises(InputError) as error:
        spcbench_mis.read_months(files)
    assert "July 2025, and both are provisional; keep the one that was published last (1 such" in (
        str(error.value)
    )


def test_two_levels_of_one_code_are_named(written):
    files = both(written, late(1000, 15, 15), late(1000, 15, 15, unit="XX1,A,Region"))
    with pytest.raises(InputError, match=r"has 'XX1' at the level provider, .* level region"):
        spcbench_mis.read_months(files)


def test_a_file_of_no_stated_release_supersedes_a_provisional_one(written):
    names = ("july.csv", "msds-jul2025Provisional-exp-measures.csv")
    files = both(written, late(1000, 15, 15), late(1000, 20, 20), names=names)
    row = spcbench_mis.read_months(files).data.iloc[0]
    assert (row["release"], row["numerator_published"]) == ("not stated", 15)


def test_a_row_goes_before_the_lack_of_one_whichever_file_comes_first(written):
    name = "SBL_Element3_ProcessIndicator_a"
    here = [*late(1000, 15, 15), *late(1000, 20, 20, unit=TWO), *measure(name, 400, 285, 71.3)]
    rest = measure(name, 400, 280, 70, unit=TWO)
    for first, second in ((here, rest), (rest, here)):
        data = spcbench_mis.read_months(both(written, first, second)).data
        row = data[data["unit"].eq("XX2") & data["numerator_published"].eq(280)]
        assert len(row) == 1
        assert len(data) == 4


def test_as_many_cases_as_asked_for_are_enough(written):
    path = written([*late(1000, 15, 15), *late(995, 15, 15, unit=TWO)])
    data = spcbench_mis.read_months(path, fewest=1000).data.set_index("unit")
    assert data["status"].astype(str).to_dict() == {"XX1": "ok", "XX2": "insufficient_data"}
    assert data.loc["XX1", "value"] == 0.015
    assert pd.isna(data.loc["XX2", "value"])


def test_one_month_alone_has_no_windows_beside_it(written):
    rows = measure("CQIMApgar", 1085, 15, 14, **APGAR_RESULT)
    note = spcbench_mis.read_months(written(rows)).data["note"].iloc[0]
    assert said.NOTE_WINDOWS[3] in note
    assert "every third month" not in note


def lost(written, tmp_path, units):
    for name, days, here in (("jun", "2025-06-01,2025-06-30", range(20)), ("jul", JULY, units),
                             ("aug", AUGUST, range(20))):  # fmt: skip
        rows = [row for n in here for row in late(1000, 15, 15, unit=f"Q{n:02d},A,Provider",
                                                  days=days)]  # fmt: skip
        written(rows, name=f"msds-{name}2025-exp-measures.csv")
    return tmp_path


def test_a_file_that_lost_many_trusts_is_warned_of(written, tmp_path):
    with pytest.warns(sb.InputWarning) as told:
        table = sb.read(lost(written, tmp_path, range(12)))
    assert [str(one.message) for one in told] == [
        "msds-jul2025-exp-measures.csv has 12 trusts, msds-jun2025-exp-measures.csv has 20: the "
        "first may have been cut short; it lacks Q12, Q13, Q14, Q15, Q16 and 3 more"
    ]
    assert table.data["unit"].nunique() == 20


def test_a_trust_or_two_fewer_are_no_cause_for_a_warning(written, tmp_path):
    assert len(sb.read(lost(written, tmp_path, range(18))).data) == 58


def test_few_small_counts_are_not_advised_of(written):
    rows = [
        row
        for n in range(10)
        for row in late(1000, 5 if n < 2 else 15, "*" if n < 2 else 15, unit=f"Q{n:02d},A,Provider")
    ]
    summary = spcbench_mis.published_summary(spcbench_mis.read_months(written(rows)))
    assert "2 of 10 numerators are published as 5" in summary["advice"].iloc[0]
    fewer = [*rows[3:], *late(1000, 15, 15, unit="Q99,A,Provider")]
    summary = spcbench_mis.published_summary(spcbench_mis.read_months(written(fewer)))
    assert summary["advice"].iloc[0] == ""


# Whether rates come from counts before rounding is put to the test in each file.


def many(rate_of, *, size=40):
    random = np.random.default_rng(5)
    rows = []
    for n in range(size):
        denominator = int(random.integers(600, 1400))
        numerator = int(random.integers(10, 60))
        shown = [(one + 2) // 5 * 5 for one in (numerator, denominator)]
        rate = int(1000 * rate_of((numerator, denominator), shown) + 0.5)
        rows += late(shown[1], shown[0], rate, unit=f"Q{n:02d},A,Provider")
    return rows


def test_rates_that_come_from_rounded_counts_give_nothing_back(written):
    frame = measures_counts(written(many(lambda true, shown: shown[0] / shown[1])))
    assert frame["numerator"].equals(frame["numerator_published"])
    assert (frame["numerator_high"].astype(int) - frame["numerator_low"]).eq(4).all()
    assert not frame["note"].astype("string").str.contains(said.NOTE_RATE).any()


def test_rates_that_come_from_true_counts_give_them_back(written):
    frame = measures_counts(written(many(lambda true, shown: true[0] / true[1])))
    assert not frame["numerator"].equals(frame["numerator_published"])
    assert (frame["numerator_high"].astype(int) - frame["numerator_low"]).mean() < 2
    assert frame["note"].astype("string").str.contains(said.NOTE_RATE).all()


def test_a_few_rates_that_agree_prove_nothing(written):
    frame = measures_counts(written(many(lambda true, shown: shown[0] / shown[1], size=10)))
    assert (frame["numerator_high"].astype(int) - frame["numerator_low"]).mean() < 3
