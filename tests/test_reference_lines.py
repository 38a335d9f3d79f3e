"""Published values and stretch targets as lines: which are drawn, and where they would mislead."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from click.testing import CliRunner

import spcbench as sb
from spcbench.cli import main
from spcbench.errors import OptionError
from spcbench.measures.counting import Counted
from spcbench.pictures import describe_chart, describe_funnel
from spcbench.pictures.chart_rows import (
    ChartLayout,
    height_range,
    line_labels,
    line_rows,
    published_of,
    scaled_points,
)
from spcbench.pictures.results import chart_keys
from spcbench.reference_lines import published_lines
from spcbench.tables import Display, Reference


def known(*pairs, **more):
    """References written as (place, period, value)."""
    return tuple(
        Reference(place=place, period=period, value=value, **more) for place, period, value in pairs
    )


MILK = known(("England", "2020", 0.70), ("England", "2022", 0.80), ("London", "May 2021", 0.9))


def counted(measures=("milk",), units=("RJ1",), **display):
    months = pd.date_range("2023-01-01", periods=18, freq="MS")
    rows = [
        (measure, unit, month, 30 + at % 5, 40)
        for measure in measures
        for unit in units
        for at, month in enumerate(months)
    ]
    frame = pd.DataFrame(rows, columns=["measure", "unit", "period", "numerator", "denominator"])
    shown = {one: Display(title=one.title(), better="higher", **display) for one in measures}
    none = pd.DataFrame()
    return Counted(
        counts=frame, quality=none, rejects=none, display=shown, provenance={"source": "x"}
    )


def lines_of(charts):
    """Heights in per cent of every line of the first chart, by its name or kind."""
    keys = chart_keys(charts, measure=None, unit=None)
    layout = ChartLayout(1, len(keys))
    points = scaled_points(charts, keys, {key: str(key) for key in keys})
    references = charts.method.get("references")
    lines = line_rows(points, references, published_of(charts, keys, layout))
    own = lines[lines["panel"] == str(keys[0])]
    named = own["name"].where(own["name"] != "", own["line"].astype(str))
    return dict(zip(named, own["y"].round(6), strict=True)), points, lines, keys, layout


# ----------------------------------------------------------------------- which are drawn


@pytest.mark.parametrize(
    ("periods", "newest"),
    [
        (["2019", "2021", "2020"], ["2021", "2020"]),
        (["May 2020", "2020", "2019"], ["2020", "May 2020"]),
        (["2020-05", "March 2025", "2024/25", "2025"], ["2025", "March 2025"]),
        (["2022/23 Q2", "2022/23 Q4", "2021/22 Q4"], ["2022/23 Q4", "2022/23 Q2"]),
        (["December 2024", "April 2024"], ["December 2024", "April 2024"]),
    ],
)
def test_the_newest_two_of_a_place_are_taken(periods, newest):
    shown = {"m": Display(title="M", references=known(*(("X", one, 0.5) for one in periods)))}

    assert [one["label"] for one in published_lines(shown)] == [f"X {one}" for one in newest]


def test_every_place_comes_before_a_second_value_of_one():
    pairs = [(place, year, 0.5) for place in "ABCD" for year in ("2021", "2022")]
    pairs.append(("A", "2023", 0.5))
    shown = {"m": Display(title="M", references=known(*pairs))}

    assert [one["label"] for one in published_lines(shown)] == ["A 2023", "B 2022", "C 2022"]


def test_none_is_lost_behind_one_of_the_same_label():
    both = (*known(("England", "2022", 0.8), source="one"), *known(("England", "2022", 0.9)))
    found = published_lines({"m": Display(title="M", references=both)})

    assert len({one["label"] for one in found}) == 2
    assert sorted(one["value"] for one in found) == [0.8, 0.9]


def test_what_is_not_verified_says_so():
    doubtful = known(("England", "2022", 0.8), verified=False)
    (line,) = published_lines({"m": Display(title="M", references=doubtful)})

    assert line["label"] == "England 2022 (not verified)"
    assert line["verified"] is False


# ----------------------------------------------------------------------------- the charts


def test_published_values_are_drawn_when_asked_for_only():
    table = counted(references=MILK)

    assert sb.control_charts(table).method["published"] == []
    charts = sb.control_charts(table, references="published")
    drawn, *_ = lines_of(charts)
    assert {name: drawn[name] for name in ("England 2022", "England 2020", "London May 2021")} == {
        "England 2022": 80.0,
        "England 2020": 70.0,
        "London May 2021": 90.0,
    }
    assert charts.method["references"] == {}


def test_each_measure_has_its_own_lines():
    table = counted(("milk", "cord"))
    table.display["cord"] = Display(title="Cord", references=known(("Wales", "2021", 0.6)))
    charts = sb.control_charts(table, references="published")
    drawn, _, lines, *_ = lines_of(charts)

    assert "Wales 2021" in drawn  # of cord, the first chart
    milk = lines[lines["panel"].astype(str).str.contains("milk")]
    assert "Wales 2021" not in set(milk["name"])


def test_small_charts_have_only_the_newest():
    charts = sb.control_charts(
        counted(units=("RJ1", "RJ2"), references=MILK), references="published"
    )
    drawn, *_ = lines_of(charts)

    assert [name for name in drawn if name[0].isupper()] == ["England 2022"]


def test_labels_never_overlap():
    close = known(*((place, "2022", 0.8 + 0.001 * at) for at, place in enumerate("ABC")))
    charts = sb.control_charts(
        counted(references=close, target=0.8, stretch=0.81), references="published"
    )
    _, points, lines, keys, layout = lines_of(charts)
    labels = line_labels(points, lines, charts, keys, layout).sort_values("y")

    low, high = height_range(points, lines)
    least = 0.055 * (high - low)  # the height of a line of text, of the panel's height
    assert len(labels) >= 6
    assert labels["y"].diff().dropna().min() >= least * 0.999


def test_the_words_of_a_chart_tell_the_lines_and_what_to_mind():
    noted = known(("England", "2022", 0.8), note="other data")
    charts = sb.control_charts(
        counted(references=noted, target=0.8, stretch=0.9, target_verified=False),
        references="published",
    )
    said = describe_chart(charts, "milk", "RJ1")

    assert "For reference: England 2022 80% (other data)." in said
    assert "Stretch target 90% (not verified)." in said
    assert "Target 80% (not verified)" in said


def test_the_lines_are_in_the_method_that_files_carry():
    charts = sb.control_charts(counted(references=MILK, stretch=0.9), references="published")

    assert charts.method["stretch"] == {"milk": 0.9}
    (first, *_) = json.loads(json.dumps(charts.method["published"]))
    assert first == {
        "measure": "milk",
        "label": "England 2022",
        "value": 0.8,
        "source": "",
        "note": "",
        "verified": True,
    }


def test_a_target_that_is_not_verified_says_so_on_the_chart():
    doubted = counted(target=0.8, stretch=0.9, target_verified=False)
    for charts, words in (
        (sb.control_charts(doubted), {"Stretch (not verified) 90%", "Target (not verified) 80%"}),
        (sb.control_charts(doubted, target=0.85), {"Target 85%"}),
    ):
        _, points, lines, keys, layout = lines_of(charts)
        labels = line_labels(points, lines, charts, keys, layout)["words"]
        shown = {" ".join(one.split()) for one in labels if "Target" in one or "Stretch" in one}
        assert shown == words


@pytest.mark.parametrize("verb", [sb.control_charts, sb.funnels])
def test_another_word_is_refused(verb):
    with pytest.raises(OptionError) as raised:
        verb(counted(units=("RJ1", "RJ2")), references="publised")

    assert str(raised.value) == (
        "references must map labels to values, such as {'England': 0.72}, or be 'published', not "
        "'publised'"
    )


# ------------------------------------------------------------------------ where they mislead


def test_a_chart_of_numbers_has_no_lines_of_shares():
    charts = sb.control_charts(
        counted(references=MILK, target=0.8, stretch=0.9), chart="np", references="published"
    )
    drawn, *_ = lines_of(charts)

    assert charts.method["published"] == []
    assert charts.method["stretch"] == {}
    assert "stretch" not in drawn


def test_a_chart_of_another_scale_refuses_them():
    with pytest.raises(OptionError, match="references is on the scale of the measure"):
        sb.control_charts(counted(references=MILK), chart="cusum", references="published")


def test_a_stretch_target_is_drawn_beside_its_own_target_only():
    table = counted(target=0.8, stretch=0.9, target_verified=False)
    drawn, *_ = lines_of(sb.control_charts(table))
    assert (drawn["target"], drawn["stretch"]) == (80.0, 90.0)

    own, *_ = lines_of(sb.control_charts(table, target=0.95))
    assert "stretch" not in own

    moving = table.counts.assign(target=[0.7] * 9 + [0.95] * 9)
    given = sb.control_charts(
        Counted(
            counts=moving,
            quality=table.quality,
            rejects=table.rejects,
            display=table.display,
            provenance=table.provenance,
        )
    )
    drawn, *_ = lines_of(given)
    assert "stretch" not in drawn
    # Nothing is said of the targets of the counts, only of the measure's own.
    assert "Target 95%: " in describe_chart(given, "milk", "RJ1")


def test_a_stretch_target_judges_nothing():
    with_it = sb.control_charts(counted(target=0.6, stretch=0.99)).summary
    without = sb.control_charts(counted(target=0.6)).summary

    pd.testing.assert_frame_equal(with_it, without)


# ---------------------------------------------------------------------------------- funnels


def test_funnels_draw_published_values_and_no_stretch_target(tmp_path):
    table = counted(units=("RJ1", "RJ2", "RJ3"), references=MILK, stretch=0.9)
    funnels = sb.funnels(table, references="published")
    (path,) = (
        one for one in sb.write(sb.Report([funnels]), tmp_path / "f.svg") if one.suffix == ".svg"
    )

    drawn = path.read_text("utf-8")
    assert "England 2022" in drawn
    assert "Stretch" not in drawn
    assert [one["label"] for one in funnels.method["published"]] == [
        "England 2022",
        "London May 2021",
        "England 2020",
    ]


def test_funnels_of_something_else_than_shares_refuse_them():
    with pytest.raises(OptionError, match="references 'published' are shares of cases"):
        sb.funnels(
            counted(units=("RJ1", "RJ2"), references=MILK),
            data_type="two_counts",
            references="published",
        )


def test_a_standard_that_is_not_verified_says_so():
    table = counted(units=("RJ1", "RJ2"), target=0.8, target_verified=False)

    assert "Standard 80% (not verified)." in describe_funnel(
        sb.funnels(table, target="standard"), "milk"
    )
    assert "Average 79.6%." in describe_funnel(sb.funnels(table), "milk")


# ------------------------------------------------------------------------ the command line


@pytest.fixture
def file(tmp_path):
    frame = counted(units=("RJ1", "RJ2")).counts.assign(measure="pop@2023:mgso4")
    frame.to_csv(tmp_path / "counts.csv", index=False)
    return tmp_path / "counts.csv"


@pytest.mark.parametrize("command", ["chart", "funnel", "report"])
def test_the_command_line_draws_what_was_published(command, file):
    out = file.with_name("out.json")
    done = CliRunner().invoke(
        main, [command, str(file), "--references", "published", "-o", str(out)]
    )

    assert done.exit_code == 0, done.output
    (first, *_) = json.loads(out.read_text("utf-8"))["results"]
    labels = [one["label"] for one in first["method"]["published"]]
    assert len(labels) == 3
    assert any(one.startswith("England ") for one in labels)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--references", "publised"], "or be 'published', not 'publised'"),
        (["--references", "published", "--reference", "A=0.5"], "do not go together"),
    ],
)
@pytest.mark.parametrize("command", ["chart", "funnel"])
def test_wrong_lines_are_told(command, words, said, file):
    out = str(file.with_name("out.json"))
    done = CliRunner().invoke(main, [command, str(file), *words, "-o", out])

    assert done.exit_code == 2
    assert said in done.output


# ----------------------------------------------------------------------- advice on funnels


def units_of_two_kinds(**columns):
    table = counted(units=("RJ1", "RJ2", "RJ3"), strata="designation", compare_at=("system",))
    frame = table.counts.assign(**columns)
    frame.loc[frame["unit"] == "RJ1", "numerator"] = 40
    return Counted(
        counts=frame,
        quality=table.quality,
        rejects=table.rejects,
        display=table.display,
        provenance=table.provenance,
    )


def told(table, **options):
    advice = sb.funnels(table, **options).advice.set_index("code")
    return {
        code: (row["message"], json.loads(row["evidence"]))
        for code, row in advice.iterrows()
        if code in ("by_construction", "prefer_level", "caution")
    }


def test_units_of_several_kinds_on_one_funnel_are_told():
    found = told(units_of_two_kinds())

    message, evidence = found["by_construction"]
    assert "give the counts a column 'designation'" in message
    assert evidence == {
        "strata": "designation",
        "column_present": False,
        "units_at_99": ["RJ1"],
    }
    assert found["prefer_level"][1] == {"level": None, "compare_at": ["system"]}


def test_within_one_kind_nothing_is_told():
    kinds = ["NICU"] * 18 + ["LNU"] * 36
    table = units_of_two_kinds(designation=kinds)

    assert "by='designation' (--by designation)" in told(table)["by_construction"][0]
    assert told(table, by="designation") == {}
    assert "by_construction" not in told(units_of_two_kinds(designation="LNU"))
    assert told(units_of_two_kinds(level="system", designation="LNU")) == {}
