"""Many months: final over provisional, each figure once, windows, folders."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import spcbench as sb
import spcbench_mis
from spcbench.errors import InputError, OptionError
from spcbench_mis.monthly_invented import invented_months, write_months
from spcbench_mis.monthly_join import NOTE_EVERY_THIRD, NOTE_OVERLAPPING

VBAC = "cqim@2023:cqim_vbac"
APGAR, FED = "cqim@2023:cqim_apgar", "cqim@2023:cqim_breastfeeding"


@pytest.fixture(scope="module")
def made():
    return invented_months(trusts=3, months=7, first="2025-01", seed=3)


@pytest.fixture
def folder(tmp_path, made):
    place = tmp_path / "msds"
    place.mkdir()
    write_months(place, made, kinds=("measures",), families=False)
    return place


def periods(table, measure, unit="ZA01"):
    rows = table.data[table.data["measure"].eq(measure) & table.data["unit"].eq(unit)]
    return [str(day)[:7] for day in rows["period"]]


def changed(path, name, old, new, *, unit="ZA01,"):
    """A copy of a file with one figure of a trust changed."""
    lines = path.read_text().splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith(unit) and old in line)
    lines[place] = lines[place].rpartition(",")[0] + f",{new}"
    copy = path.with_name(name)
    copy.write_text("\n".join([*lines, ""]))
    return copy


def test_a_folder_gives_one_table_of_all_months(folder):
    table = sb.read(folder)
    assert (table.kind, table.source, table.default_level) == ("counts", "msds", "provider")
    assert periods(table, FED) == [f"2025-0{month}" for month in range(1, 8)]


def test_a_pattern_chooses_files(folder):
    assert periods(sb.read(folder / "msds-j*-exp-measures.csv"), FED) == [
        "2025-01", "2025-06", "2025-07"
    ]  # fmt: skip


def test_windows_are_taken_every_third_month_and_end_with_the_latest(folder):
    table = sb.read(folder)
    assert periods(table, APGAR) == ["2024-11", "2025-02", "2025-05"]
    notes = table.data.loc[table.data["measure"].eq(APGAR), "note"]
    assert notes.str.contains(NOTE_EVERY_THIRD).all()
    ended = table.data.groupby(["measure", "unit"])["period_end"].shift()
    assert ended.notna().any()
    assert not (table.data["period"] <= ended).any()


def test_windows_end_with_the_latest_month_whichever_it_is(folder):
    (folder / "msds-jul2025-exp-measures.csv").unlink()
    assert periods(sb.read(folder), APGAR) == ["2025-01", "2025-04"]


def test_windows_of_calendar_quarters_stay_as_months_are_added(folder):
    assert periods(spcbench_mis.read_months(folder, windows="quarters"), APGAR) == [
        "2025-01", "2025-04"
    ]  # fmt: skip
    fewer = sorted(folder.iterdir())
    fewer = [path for path in fewer if "jul" not in path.name]
    assert periods(spcbench_mis.read_months(fewer, windows="quarters"), APGAR) == [
        "2025-01", "2025-04"
    ]  # fmt: skip


def test_all_windows_can_be_kept(folder):
    kept = spcbench_mis.read_months(folder, windows="all")
    assert len(periods(kept, APGAR)) == 7
    assert (
        kept.data.loc[kept.data["measure"].eq(APGAR), "note"].str.contains(NOTE_OVERLAPPING).all()
    )
    asked = sb.read(folder, reader="msds-monthly-all-windows")
    assert periods(asked, APGAR) == periods(kept, APGAR)


def test_overlapping_windows_are_advised_against(folder):
    table = sb.read(folder, reader="msds-monthly-all-windows")
    advice = sb.control_charts(table, measure="cqim_apgar", unit="ZA01").advice
    assert "rolling" in set(advice["code"])
    separate = sb.control_charts(sb.read(folder), measure="cqim_apgar", unit="ZA01").advice
    assert "rolling" not in set(separate["code"])


def test_a_window_that_is_not_known_is_refused(folder):
    with pytest.raises(OptionError, match="windows must be one of latest, quarters, all, not 'x'"):
        spcbench_mis.read_months(folder, windows="x")


def test_final_wins_over_provisional(folder):
    july = folder / "msds-jul2025-exp-measures.csv"
    changed(july, "msds-jul2025Provisional-exp-measures.csv", "CQIMBreastfeeding,Num", "50")
    changed(july, "msds-aug2024Provisional-exp-measures.csv", "CQIMBreastfeeding,Num", "55")
    (folder / "msds-aug2024Provisional-exp-measures.csv").unlink()
    table = sb.read(folder)
    row = table.data.query("measure == @FED and unit == 'ZA01'").iloc[-1]
    assert (row["release"], row["numerator"] == 50) == ("final", False)


def test_provisional_stands_where_there_is_no_final(folder):
    july = folder / "msds-jul2025-exp-measures.csv"
    july.rename(folder / "msds-jul2025Provisional-exp-measures.csv")
    table = sb.read(folder)
    last = table.data["reporting_month"].eq(pd.Timestamp("2025-07-01"))
    assert last.sum() > 50
    assert table.data.loc[last, "release"].eq("provisional").all()
    assert table.data.loc[last, "note"].str.contains("provisional").all()
    assert table.data.loc[~last, "release"].eq("final").all()


def test_a_final_row_that_is_withheld_wins_over_a_provisional_figure(folder):
    july = folder / "msds-jul2025-exp-measures.csv"
    july.rename(folder / "msds-jul2025Provisional-exp-measures.csv")
    provisional = folder / "msds-jul2025Provisional-exp-measures.csv"
    rows = provisional.read_text().splitlines()
    final = [
        row.rpartition(",")[0] + ",DNS" if row.startswith("ZA01") and "Result" not in row else row
        for row in rows
    ]
    july.write_text("\n".join([*final, ""]))
    table = sb.read(folder)
    row = table.data.query("measure == @FED and unit == 'ZA01'").iloc[-1]
    assert (row["published"], row["release"], pd.isna(row["numerator"])) == ("dns", "final", True)


def test_two_different_finals_are_refused_naming_both(folder):
    july = folder / "msds-jul2025-exp-measures.csv"
    changed(july, "msds-jul2025-exp-measures-v2.csv", "CQIMBreastfeeding,Num", "50")
    with pytest.raises(InputError) as error:
        sb.read(folder)
    said = str(error.value)
    assert "msds-jul2025-exp-measures-v2.csv" in said
    assert "msds-jul2025-exp-measures.csv" in said
    assert f"different figures for {FED}, ZA01, July 2025" in said


def test_a_file_of_unknown_standing_is_no_provisional_one(folder):
    july = folder / "msds-jul2025-exp-measures.csv"
    changed(july, "july.csv", "CQIMBreastfeeding,Num", "50")
    with pytest.raises(InputError, match=r"july\.csv"):
        sb.read(folder)


def test_the_same_file_twice_counts_once(folder):
    july = folder / "msds-jul2025-exp-measures.csv"
    once = sb.read(folder).data
    july.with_name("copy of july.csv").write_bytes(july.read_bytes())
    twice = sb.read(folder).data
    assert len(once) == len(twice)
    pd.testing.assert_series_equal(once["numerator"], twice["numerator"])


def test_a_month_in_two_parts(folder):
    july = folder / "msds-jul2025-exp-measures.csv"
    lines = july.read_text().splitlines()
    first = [line for line in lines if ",SBL," not in line]
    july.write_text("\n".join([*first, ""]))
    rest = [line for line in lines[1:] if ",SBL," in line]
    (folder / "msds-jul2025-CQIM_v3.csv").write_text("\n".join([lines[0], *rest, ""]))
    assert "msds-measures@2025:sbl_co_booking" in set(sb.read(folder).data["measure"])


def test_a_row_in_one_part_of_a_month_is_not_absent_from_the_other(folder):
    july = folder / "msds-jul2025-exp-measures.csv"
    before = sb.read(folder).data.query("measure == @FED and unit == 'ZA01'").iloc[-1]
    header, *lines = july.read_text().splitlines()
    apart = [line for line in lines if line.startswith("ZA01,") and "CQIMBreastf" in line]
    july.write_text("\n".join([header, *(line for line in lines if line not in apart), ""]))
    for name in ("msds-jul2025-CQIM_v3.csv", "a-first-in-order.csv"):
        (folder / name).write_text("\n".join([header, *apart, ""]))
        after = sb.read(folder).data.query("measure == @FED and unit == 'ZA01'").iloc[-1]
        (folder / name).unlink()
        assert (after["published"], after["numerator"]) == ("ok", before["numerator"])


def test_the_three_kinds_of_files_stand_side_by_side(tmp_path, made):
    write_months(tmp_path, made)
    packs = {name.partition("@")[0] for name in sb.read(tmp_path).data["measure"]}
    assert packs == {"cqim", "cqim-dq", "msds-measures", "msds-monthly", "msds-dq"}


def test_a_file_of_another_publication_is_refused_or_left_out(folder):
    (folder / "counts.csv").write_text(
        "measure,unit,period,numerator,denominator\na,b,2025-01-01,1,2\n"
    )
    with pytest.raises(InputError, match=r"counts\.csv holds counts; files that are read together"):
        sb.read(folder)
    with pytest.warns(sb.InputWarning, match=r"left out: counts\.csv holds counts"):
        table = sb.read(folder, on_error="skip_file")
    assert len(periods(table, FED)) == 7


def test_annual_and_monthly_files_are_not_joined(folder):
    (folder / "annual.csv").write_text(
        "Period,Dimension,Org_Level,Org_Code,Org_Name,Measure,Count_Of,Value\n"
        "2022-23,SmokingStatusGroupBooking,Provider,XX1,A,Smoker,Deliveries,5\n"
    )
    with pytest.raises(
        InputError, match=r"annual\.csv is read as 'NHS Maternity Statistics, annual"
    ):
        sb.read(folder)


def test_records_and_counts_are_not_joined(folder):
    (folder / "births.csv").write_text("trust,date\nRJ1,2024-01-01\n")
    with pytest.raises(InputError, match="must be of one publication"):
        sb.read(folder)


def test_a_code_stands_for_one_organisation(folder):
    june = folder / "msds-jun2025-exp-measures.csv"
    june.write_text(
        june.read_text().replace("TRUST 01,Provider", "TRUST 01,Local Maternity System")
    )
    with pytest.raises(InputError, match="has 'ZA01' at the level"):
        sb.read(folder)


def test_england_is_never_added_up(folder, made):
    table = sb.read(folder)
    england = table.data[table.data["level"].eq("national")]
    assert england["unit"].unique().tolist() == ["National"]
    for path in folder.iterdir():
        lines = [line for line in path.read_text().splitlines() if not line.startswith("National")]
        path.write_text("\n".join([*lines, ""]))
    assert not sb.read(folder).data["level"].eq("national").any()


def test_annual_files_of_several_years_are_joined(tmp_path):
    header = "Period,Dimension,Org_Level,Org_Code,Org_Name,Measure,Count_Of,Value"
    for year in ("2021-22", "2022-23"):
        rows = [
            f"{year},SmokingStatusGroupBooking,Provider,XX1,A,{name},Deliveries,{count}"
            for name, count in (("Smoker", 50), ("Non-Smoker / Ex-Smoker", 450))
        ]
        (tmp_path / f"{year}.csv").write_text("\n".join([header, *rows, ""]))
    table = sb.read(tmp_path)
    assert table.data["period"].dt.year.tolist() == [2021, 2022]
    (tmp_path / "again.csv").write_bytes((tmp_path / "2022-23.csv").read_bytes())
    with pytest.raises(
        InputError, match=r"2022-23\.csv and again\.csv both hold the year from 01 Ap"
    ):
        sb.read(tmp_path)


def test_charts_and_funnels_take_a_folder_on_the_command_line(folder, tmp_path):
    from click.testing import CliRunner

    from spcbench.cli import main

    for command in ("chart", "funnel"):
        out = tmp_path / f"{command}.csv"
        pattern = str(folder / "*.csv")
        made = CliRunner().invoke(
            main, [command, pattern, "--measure", "cqim:cqim_tears", "-o", str(out)]
        )
        assert made.exit_code == 0, made.output
        assert "ZA02" in out.read_text()


def test_what_a_table_holds_in_words(folder):
    table = sb.read(folder)
    summary = spcbench_mis.published_summary(table).set_index(["measure", "level"])
    vbac = summary.loc[("cqim@2023:cqim_vbac", "provider")]
    assert vbac["units"] == 3
    assert "published as 5 and may be 1 to 7" in vbac["advice"]
    assert "denominators are under 50" in vbac["advice"]
    assert summary.loc[(FED, "provider"), "advice"] == ""
    total = summary.loc[(FED, "provider")]
    assert total[["ok", "small", "low_dq", "dns", "absent"]].sum() == 21


def test_figures_of_few_cases_can_be_left_out(folder):
    whole, part = (
        spcbench_mis.read_months(folder, fewest=fewest).data.query("measure == @VBAC")
        for fewest in (0, 50)
    )
    few = whole["denominator"].lt(50).fillna(False).astype(bool)
    assert 0 < few.sum() < len(whole)
    assert part.loc[few, "status"].eq("insufficient_data").all()
    assert part.loc[few, ["numerator", "denominator", "value"]].isna().all(axis=None)
    assert part.loc[few, "note"].str.contains("fewer than 50 cases").all()
    pd.testing.assert_frame_equal(part[~few], whole[~few])
    with pytest.raises(OptionError, match="fewest must be 0 or more, not -1"):
        spcbench_mis.read_months(folder, fewest=-1)


def test_wide_bounds_are_advised_of(folder):
    table = sb.read(folder)
    late = sb.control_charts(table, measure="sbl_late_second_trimester", unit="ZA01").advice
    wide = late[late["code"].eq("rounded_widely")].iloc[0]
    assert "The counts were rounded before they were published: the" in wide["message"]
    evidence = json.loads(wide["evidence"])
    assert evidence["least"] < evidence["taken"] < evidence["most"]
    fed = sb.control_charts(table, measure="cqim_breastfeeding", unit="ZA01").advice
    assert "rounded_widely" not in set(fed["code"])


def test_unlisted_organisations_are_kept_and_listed(folder):
    june = folder / "msds-jun2025-exp-measures.csv"
    june.write_text(june.read_text().replace("ZA02,", "RJ1,").replace("ZA03,", "Unknown,"))
    table = sb.read(folder)
    assert {"RJ1", "Unknown (provider)"} <= set(table.data["unit"])
    listed = spcbench_mis.unlisted_organisations(table)
    assert listed["unit"].tolist() == ["Unknown (provider)", "ZA01", "ZA02", "ZA03"]


def test_other_tables_have_no_summary():
    from spcbench.tables import Table

    with pytest.raises(InputError, match="is not a table of monthly files"):
        spcbench_mis.published_summary(Table(kind="counts", data=pd.DataFrame(), source="x.csv"))
