"""The pages of trusts made from monthly files, end to end."""

from __future__ import annotations

import pandas as pd
import pytest

import spcbench
from spcbench_mis.cqim_rules import metric_rules
from spcbench_mis.monthly_invented import invented_months, write_months


@pytest.fixture(scope="module")
def counts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("msds")
    write_months(folder, invented_months(trusts=8, months=12, seed=3))
    return spcbench.read(folder)


def of_packs(counts, *packs):
    from dataclasses import replace

    keep = counts.data["measure"].str.partition("@")[0].isin(packs)
    return replace(counts, data=counts.data[keep].reset_index(drop=True))


def quality_table(counts, unit):
    report = spcbench.unit_report(counts, unit=unit)
    tables = {table.id: table for table in report.all_tables}
    return tables["cqim_quality"].frame.set_index("measure")


def test_each_metric_stands_beside_its_data_quality(counts):
    two = of_packs(counts, "cqim", "cqim-dq")
    own = two.data[two.data["reporting_month"].eq(two.data["reporting_month"].max())]
    metrics = own[own["measure"].str.startswith("cqim@") & own["level"].eq("provider")]
    failed = metrics[metrics["result"].eq("Fail") & metrics["published"].eq("low_dq")]
    row = failed.iloc[0]
    table = quality_table(two, row["unit"])
    line = table.loc[row["measure"]]
    assert line["result"] == "Fail"
    assert line["figure"] == "Low DQ (withheld)"
    assert " fail" in line["decided_by"]
    shown = [part.split() for part in line["decided_by"].split("; ")]
    for name, rate, *_ in shown:
        quality = own[own["measure"].eq(f"cqim-dq@2023:{name.lower()}")]
        cells = quality[quality["unit"].eq(row["unit"])].iloc[0]
        if pd.notna(cells["denominator"]) and cells["denominator"]:
            assert rate == f"{cells['numerator_published'] / cells['denominator']:.1%}"
    assert sum(rate.endswith("%") for _, rate, *_ in shown) > 3
    rules = {f"cqim@2023:cqim_{name[4:].lower()}": rule.dq for name, rule in metric_rules().items()}
    for name, one in table.iterrows():
        assert [part.split()[0] for part in one["decided_by"].split("; ")] == list(rules[name])
        if one["result"] == "Pass":
            assert " fail" not in one["decided_by"]


def test_the_codes_of_data_quality_are_told_in_words(counts):
    report = spcbench.unit_report(of_packs(counts, "cqim", "cqim-dq"), unit="ZA01")
    tables = {table.id: table.frame for table in report.all_tables}
    codes = tables["cqim_quality_codes"].set_index("code")
    said = " ".join(tables["cqim_quality"]["decided_by"])
    assert {part for part in said.replace(";", " ").split() if part.startswith("CQIM")} == set(
        codes.index
    )
    assert codes.loc["CQIMDQ04"].to_list() == ["Smoking status known at booking", "at least 70%"]
    assert codes.loc["CQIMDQ21", "passes"] == "any at all"
    # They stand beside the metrics, and have no charts of their own.
    charted = {name for one in report.all_results for name in one.summary["measure"]}
    assert charted
    assert not any(name.startswith("cqim-dq") for name in charted)


def test_without_the_quality_pack_the_result_still_stands(counts):
    report = spcbench.unit_report(of_packs(counts, "cqim"), unit="ZA01")
    (section,) = [one for one in report.sections if one.title == "Data quality of the metrics"]
    assert "pack cqim-dq" in section.text[0]
    assert section.tables[0].frame["result"].isin(["Pass", "Fail", "not stated"]).all()


def test_not_submitted_low_quality_and_no_row_are_told_apart(counts):
    from dataclasses import replace

    name = "cqim@2023:cqim_preterm"
    data = of_packs(counts, "cqim").data
    rows = data[data["measure"].eq(name) & data["unit"].eq("ZA01")].head(3).index
    frame = data.copy()
    for place, word in zip(rows, ("dns", "low_dq", "absent"), strict=True):
        frame.loc[place, "published"] = word
        frame.loc[place, ["numerator", "denominator"]] = pd.NA
        frame.loc[place, "value"] = float("nan")
        frame.loc[place, "status"] = "insufficient_data" if word == "low_dq" else "no_data"
    said = quality_table(replace(counts, data=frame), "ZA01").loc[name, "all"]
    assert "1 DNS (did not submit)" in said
    assert "1 no row in the file" in said
    assert "Low DQ (withheld)" in said


def test_a_report_of_all_trusts_says_which_metrics_fail_at_each(counts):
    two = of_packs(counts, "cqim", "cqim-dq")
    (section,) = spcbench.pack_sections(two)
    (table,) = section.tables
    lines = table.frame.set_index("unit")
    own = two.data[two.data["level"].eq("provider") & two.data["measure"].str.startswith("cqim@")]
    assert list(lines.index) == sorted(own["unit"].unique())
    assert lines["unit_name"].is_monotonic_increasing
    for code, line in lines.iterrows():
        rows = quality_table(two, code)
        assert line["result"] == f"{rows['result'].eq('Pass').sum()} of {len(rows)}"
        failed = rows.loc[rows["result"].eq("Fail"), "metric"]
        assert set(line["failed"].split("; ")) == (set(failed) or {"none"})
        other = rows.loc[rows["result"].eq("not stated"), "metric"]
        assert set(line["not_stated"].split("; ")) == (set(other) or {"none"})
    assert lines["failed"].ne("none").any()
    assert "no ranking" in table.note


def test_counts_of_a_trusts_own_get_none():
    own = pd.DataFrame(
        {
            "measure": "cqim:cqim_pph",
            "unit": "RJ1",
            "period": pd.date_range("2024-01-01", periods=12, freq="MS"),
            "numerator": 10,
            "denominator": 500,
        }
    )
    report = spcbench.unit_report(own, unit="RJ1")
    assert "cqim_quality" not in {table.id for table in report.all_tables}


def test_training_is_added_up_nowhere_on_a_page():
    name = "mis@y7:sa8_fm_midwives"
    months = pd.date_range("2023-04-01", periods=24, freq="MS")
    staff = pd.DataFrame(
        {
            "measure": name,
            "unit": ["RJ1"] * 24 + ["RJ2"] * 24,
            "period": [*months, *months],
            "numerator": [*[50] * 12, *[90] * 12] * 2,
            "denominator": 100,
        }
    )
    page = spcbench.unit_report(staff, unit="RJ1")
    area = spcbench.area_report(staff)
    tables = {table.id: table.frame for table in area.all_tables}
    (glance,) = [one.frame for one in page.all_tables if one.id == "at_a_glance"]
    assert glance["recent"].to_list() == ["90%\n90 of 100, Mar 2025"]
    assert tables["at_a_glance"]["recent"].to_list() == ["90%\n180 of 200, Mar 2025"]
    (then,) = tables["then_and_now"].to_dict("records")
    assert (then["then"], then["now"]) == ("50%\n100 of 200, Mar 2024", "90%\n180 of 200, Mar 2025")
    assert then["difference"] == "40 points higher"
    assert all(
        cell.startswith("90%\n90 of 100, Mar") for cell in tables["units_and_measures"]["m0"]
    )
    funnels = [one for one in area.all_results if hasattr(one, "curve")]
    assert {n for one in funnels for n in one.units["denominator"]} == {100}
