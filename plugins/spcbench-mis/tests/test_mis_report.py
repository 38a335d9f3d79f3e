"""The scorecard in a report: of one trust, of several, by the right year, with evidence."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from click.testing import CliRunner

import spcbench
from spcbench.cli import main
from spcbench.errors import InputError, OptionError
from spcbench_mis.scheme_data import scheme
from spcbench_mis.scorecard_table import scorecard

NAMES = {"RAA": "Zeta", "RBB": "Alpha", "RCC": "Mu"}
MONTHS = pd.date_range("2023-12-01", "2025-11-01", freq="MS")
EVIDENCE = """year = "y7"
unit = "RBB"
[evidence.sa7_mnvp_funded]
status = "achieved"
date = 2025-09-30
who = "Director of Midwifery"
link = "https://example.org/minutes"
[evidence.sa9_culture]
status = "in progress"
"""


def rows(item, unit, numerator, denominator, *, pack="mis", months=MONTHS):
    return pd.DataFrame(
        {
            "measure": f"{pack}:{item}", "unit": unit, "unit_name": NAMES[unit], "period": months,
            "numerator": numerator, "denominator": denominator,
        }
    )  # fmt: skip


def counted(units=tuple(NAMES), pack="mis", months=MONTHS):
    """Deaths notified in time except by RAA; staff trained; a small count of MNSI cases."""
    parts = []
    for unit in units:
        parts.append(
            rows("sa1_notified_7wd", unit, 0 if unit == "RAA" else 1, 1, pack=pack, months=months)
        )
        parts.append(rows("sa8_fm_midwives", unit, 230, 240, pack=pack, months=months))
        parts.append(rows("sa10_mnsi_reported", unit, 1, 1, pack=pack, months=months))
    return pd.concat(parts, ignore_index=True)


def scheme_sections(sections):
    return [one for one in sections if "Incentive Scheme" in one.title]


def frames(sections):
    return {table.id: table.frame for one in sections for table in one.tables}


@pytest.fixture
def evidence(tmp_path):
    def written(text=EVIDENCE, name="evidence.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return {"evidence": path}

    return written


# ------------------------------------------------------------------------------ several trusts


def test_several_trusts_stand_by_name_beside_the_ten_actions():
    (section,) = spcbench.pack_sections(counted())
    (table,) = section.tables
    assert table.frame["unit"].to_list() == ["RBB", "RCC", "RAA"]  # Alpha, Mu, Zeta
    titles = [f"{number}. {title}" for number, title in scheme().actions.items()]
    assert list(table.headings.values()) == ["Trust", "All ten actions", *titles]
    assert "no ranking" in table.note
    lines = table.frame.set_index("unit")
    # Of six required items one has figures: met by two trusts, not met by RAA.
    assert lines.loc["RAA", "action_1_shown"] == "✗ Not met\n0 of 6"
    assert lines.loc["RBB", "action_1_shown"] == "Not reported\n1 of 6"
    assert lines["action_3_shown"].eq("Not reported\n0 of 2").all()
    for code, one in lines.iterrows():
        card = scorecard(counted((code,)), year="y7", on=date(2025, 12, 1))
        told = [one[f"action_{number}"] for number in range(1, 11)]
        assert told == card.actions["verdict"].to_list()


def test_one_trust_alone_has_its_whole_scorecard_without_asking_for_its_page():
    (section,) = spcbench.pack_sections(counted(("RAA",)))
    page = spcbench.unit_report(counted(), unit="RAA")
    assert [table.id for table in section.tables] == [
        "mis_actions_y7", "mis_short_y7", "mis_dates_y7", "mis_open_y7", "mis_items_y7",
    ]  # fmt: skip
    for name, frame in frames(scheme_sections(page.sections)).items():
        pd.testing.assert_frame_equal(frame, frames([section])[name])


def test_the_area_has_its_trusts_and_no_sum_of_them():
    tree = pd.DataFrame(
        {
            "unit": ["Q", *NAMES],
            "parent": [None, "Q", "Q", "Q"],
            "level": ["system"] + ["trust"] * 3,
        }
    )
    (section,) = scheme_sections(spcbench.area_report(counted(), hierarchy=tree, area="Q").sections)
    assert frames([section])["mis_trusts_y7"]["unit"].to_list() == ["RBB", "RCC", "RAA"]
    rolled = spcbench.rolled_up(counted(), tree)
    (section,) = spcbench.pack_sections(rolled)
    assert "Q" not in set(frames([section])["mis_trusts_y7"]["unit"])


def test_figures_beside_counts_reach_the_page_through_a_hierarchy():
    tree = pd.DataFrame({"unit": ["Q", "RAA"], "parent": [None, "Q"], "level": ["system", "trust"]})
    due = rows("sa1_published_6m", "RAA", 1, 2, months=MONTHS[-8:]).assign(eligible=3)
    page = spcbench.unit_report(due, unit="RAA", hierarchy=tree)
    items = frames(scheme_sections(page.sections))["mis_items_y7"].set_index("item")
    assert items.loc["sa1_published_6m", "figures"].endswith("24 eligible, 8 not yet due")


# ------------------------------------------------------------------------------- one scorecard


def test_what_is_counted_shown_and_missing_stand_apart(evidence):
    page = spcbench.unit_report(counted(), unit="RBB", files=evidence())
    (section,) = scheme_sections(page.sections)
    told = frames([section])
    assert list(told) == [
        "mis_actions_y7", "mis_short_y7", "mis_dates_y7", "mis_open_y7", "mis_items_y7",
        "mis_evidence_y7",
    ]  # fmt: skip
    assert told["mis_items_y7"]["item"].to_list() == [
        "sa1_notified_7wd", "sa8_fm_midwives", "sa10_mnsi_reported",
    ]  # fmt: skip
    shown = told["mis_evidence_y7"].set_index("item")
    assert shown["verdict"].to_dict() == {"sa7_mnvp_funded": "met", "sa9_culture": "in_progress"}
    kept = "Director of Midwifery\n30 Sep 2025\nhttps://example.org/minutes"
    assert shown["kept"].to_list() == [kept, "–"]
    every = {item.title: item for item in scheme().of_year("y7") if item.required}
    missing = [
        line.removeprefix("• ").rpartition(" (")[0]
        for cell in told["mis_open_y7"]["items"] for line in cell.split("\n")[1:]
    ]  # fmt: skip
    known = [*told["mis_items_y7"]["title"], *shown["title"]]
    # A dash is for readers; data say nothing where nothing is known.
    assert not told["mis_items_y7"][["figures", "threshold"]].isin(["–"]).any(axis=None)
    assert len(missing) == len(set(missing))
    assert set(every) <= {*known, *missing}


def test_every_verdict_says_by_which_guidance_and_that_nobody_checked_it(evidence):
    page = spcbench.unit_report(counted(), unit="RBB", files=evidence())
    (section,) = scheme_sections(page.sections)
    assert section.text[0] == (
        "Alpha, as of 01 Dec 2025: Not settled (all ten actions together). Judged by the guidance "
        "of NHS Resolution, Maternity (and Perinatal) Incentive Scheme, Year 7, published "
        "02 Apr 2025: not verified."
    )
    for table in section.tables:
        if "verdict_shown" in table.headings:
            lines = table.frame["verdict_shown"].str.split("\n")
            assert lines.str[1].eq("Year 7, not verified").all()
            assert lines.str[0].ne("").all()


def test_without_evidence_the_page_says_how_to_give_it():
    page = spcbench.unit_report(counted(), unit="RBB")
    (section,) = scheme_sections(page.sections)
    assert any("--with evidence=FILE" in one for one in section.text)
    assert "mis_evidence_y7" not in frames([section])


# ------------------------------------------------------------------------------------- evidence


def test_of_several_trusts_evidence_is_that_of_the_one_it_names(evidence):
    (section,) = spcbench.pack_sections(counted(), files=evidence())
    lines = frames([section])["mis_trusts_y7"].set_index("unit")
    assert lines["action_7_shown"].str.split("\n").str[1].to_dict() == {
        "RBB": "1 of 2", "RCC": "0 of 2", "RAA": "0 of 2",
    }  # fmt: skip
    assert "Evidence was given for Alpha only (2 items)" in " ".join(section.text)


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        (EVIDENCE.replace('"y7"', '"y6"'), "e.toml", "e.toml is about the year 'y6', but the"),
        (EVIDENCE.replace("RBB", "RXX"), "e.toml", "is the evidence of 'RXX', of which the counts"),
        (EVIDENCE.replace('"RBB"', '""'), "e.toml", "does not say whose evidence it is, and there"),
        ("item,status\nsa9_culture,achieved\n", "e.csv", "does not say whose evidence it is"),
        (EVIDENCE.replace("achieved", "done"), "e.toml", "status: 'done' is not one of achieved"),
        ("year = ", "e.toml", "e.toml is not valid TOML"),
    ],
)
def test_evidence_that_is_about_nobody_or_faulty_is_one_clear_error(evidence, text, name, said):
    with pytest.raises(InputError, match=said):
        spcbench.pack_sections(counted(), files=evidence(text, name))


def test_a_csv_file_is_that_of_the_page(evidence):
    files = evidence("item,status\nsa9_culture,achieved\n", "e.csv")
    page = spcbench.unit_report(counted(), unit="RCC", files=files)
    shown = frames(scheme_sections(page.sections))["mis_evidence_y7"]
    assert shown[["item", "verdict"]].to_numpy().tolist() == [["sa9_culture", "met"]]


def test_evidence_of_another_trust_or_of_none_of_the_counts(evidence):
    with pytest.raises(InputError, match="is the evidence of 'RBB', but 'RAA' was asked for"):
        spcbench.unit_report(counted(), unit="RAA", files=evidence())
    other = rows("mgso4", "RAA", 1, 2, pack="own")
    mixed = pd.concat([other, counted(("RBB",))], ignore_index=True)
    with pytest.raises(OptionError, match="hold no figure of the scheme of 'RAA'"):
        spcbench.unit_report(mixed, unit="RAA", files=evidence())
    with pytest.raises(
        OptionError, match="no pack of these measures uses a file called 'evidence'"
    ):
        spcbench.unit_report(other, unit="RAA", files=evidence())


# ---------------------------------------------------------------------------------------- years


@pytest.mark.parametrize(
    ("until", "year", "others"),
    [
        ("2025-11-01", "y7", "Year 5, Year 6"),
        ("2025-04-01", "y7", "Year 5, Year 6"),
        ("2025-03-01", "y6", "Year 5"),
        ("2024-11-01", "y6", "Year 5"),
        ("2023-12-01", "y5", None),
    ],
)
def test_names_without_a_year_are_judged_by_the_one_in_which_they_end(until, year, others):
    (section,) = spcbench.pack_sections(counted(), until=until)
    label = scheme().year(year).label
    assert section.title.endswith(f"{label}: scorecard")
    assert list(frames([section])) == [f"mis_trusts_{year}"]
    text = " ".join(section.text)
    assert (f"The counts also reach into {others}." in text) == (others is not None)
    # A chart of mis:sa8_fm_midwives has the newest mark, whichever year judges.
    assert ("show the mark of the newest year" in text) == (year != "y7")


def test_names_with_a_year_have_a_scorecard_each(evidence):
    both = pd.concat([counted(pack="mis@y6"), counted(pack="mis@y7")], ignore_index=True)
    page = spcbench.unit_report(both, unit="RBB", files=evidence())
    titles = [one.title[-17:] for one in scheme_sections(page.sections)]
    assert titles == ["Year 6: scorecard", "Year 7: scorecard"]
    told = frames(page.sections)
    assert {"mis_items_y6", "mis_items_y7", "mis_evidence_y7"} <= set(told)
    assert "mis_evidence_y6" not in told
    for year in ("y6", "y7"):
        items = told[f"mis_items_{year}"].set_index("item")
        window = scheme().windows["sa10_births", year]
        months = [day for day in MONTHS if f"{window.first:%Y-%m}" <= f"{day:%Y-%m}"]
        months = [day for day in months if day.date() <= window.last]
        # December 2023 lies across the first day of year 6; most of it belongs to it.
        assert items.loc["sa10_mnsi_reported", "numerator"] == len(months)


def test_the_command_takes_the_year_that_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    counted().to_csv("counts.csv", index=False)
    made = {}
    for year in ("y6", "y7"):
        options = ["--packs", f"mis@{year}", "--measure", "sa8_fm_midwives", "-o", f"{year}.csv"]
        done = CliRunner().invoke(main, ["report", "counts.csv", *options])
        assert done.exit_code == 0, done.output
        made[year] = pd.read_csv(f"{year}.csv")["measure"].unique().tolist()
        assert (tmp_path / f"{year}.mis_trusts_{year}.csv").exists()
    assert made == {"y6": ["mis@y6:sa8_fm_midwives"], "y7": ["mis@y7:sa8_fm_midwives"]}


def test_rows_that_say_their_end_say_until_when_the_page_knows():
    cells = {"measure": "mis:sa1_parent_views", "unit": "RAA", "numerator": 19, "denominator": 20}
    ends = {"period": ["2024-12-01", "2025-04-01"], "period_end": ["2025-03-31", "2025-11-30"]}
    (section,) = spcbench.pack_sections(pd.DataFrame({**cells, **ends}))
    assert "as of 01 Dec 2025" in section.text[0]
    (item,) = frames([section])["mis_items_y7"].to_dict("records")
    assert (item["verdict"], item["numerator"]) == ("met", 38)


# ------------------------------------------------------------------------------------- formats


@pytest.mark.parametrize("whose", [[], ["--unit", "RBB"], ["--area", "all"]])
def test_every_format_of_tables_holds_the_scorecard(tmp_path, monkeypatch, evidence, whose):
    monkeypatch.chdir(tmp_path)
    evidence()
    counted().to_csv("counts.csv", index=False)
    table = "mis_items_y7" if "RBB" in whose else "mis_trusts_y7"
    for ending in ("csv", "json", "html"):
        options = [*whose, "--with", "evidence=evidence.toml", "-o", f"r.{ending}"]
        done = CliRunner().invoke(main, ["report", "counts.csv", "--packs", "mis", *options])
        assert done.exit_code == 0, done.output
    assert (tmp_path / f"r.{table}.csv").exists()
    assert table in (tmp_path / "r.json").read_text(encoding="utf-8")
    assert "Year 7: scorecard" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_counts_of_others_have_no_scorecard():
    assert spcbench.pack_sections(rows("mgso4", "RAA", 1, 2, pack="own")) == ()
    own = rows("sa10_mnsi_reported", "RAA", 1, 1)
    own["measure"] = "sa10_mnsi_reported"  # nobody says that it is the scheme's
    assert spcbench.pack_sections(own) == ()
