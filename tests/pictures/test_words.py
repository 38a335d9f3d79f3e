from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from spcbench import tables
from spcbench.pictures import words
from spcbench.pictures.chart_words import describe_chart
from spcbench.pictures.words import number_text, value_text

MEASURE = "pop@2023:mgso4"


def test_a_chart_is_described_as_a_colleague_would(drawn_charts):
    said = describe_chart(drawn_charts(), MEASURE, "RX000")
    value = value_text(drawn_charts().points["value"].iloc[-1], tables.Display(title=""))
    assert said == (
        "Babies born before 30 weeks whose mother was given magnesium sulphate, "
        "Hospital number 0 NHS Foundation Trust: p chart of 23 points, Apr 2022 to Mar 2024. "
        f"Latest value {value}. At its latest points: common cause, no significant change. "
        "Centre line 86%. Limits 76% to 100%. Target 85%: the process sometimes meets it, "
        "sometimes not. "
        "2 phases, the latest from Apr 2023. "
        "1 special-cause signal, the latest in Aug 2022, below the centre line (rule 3s). "
        "A stable chart of this length gives about 0.15 false signals."
    )


def test_what_is_missing_is_said(drawn_charts):
    charts = drawn_charts()
    summary = charts.summary.assign(
        latest_value=float("nan"),
        centre=float("nan"),
        lcl=float("nan"),
        ucl=float("nan"),
        target=float("nan"),
        expected_false_signals=float("nan"),
        variation=pd.Categorical(["not_enough_data"]),
        status=pd.Categorical(["insufficient_data"]),
        reason="only 3 points",
    )
    charts = dataclasses.replace(charts, summary=summary, signals=charts.signals.head(0))
    said = describe_chart(charts, MEASURE, "RX000")
    assert said.endswith(
        "Latest value no value. Too few data: only 3 points. Not enough data to say. "
        "2 phases, the latest from Apr 2023. No special-cause signals."
    )


def test_too_few_points_are_not_said_to_be_without_signals(drawn_charts):
    charts = drawn_charts()
    few = dataclasses.replace(charts, points=charts.points.head(2), signals=charts.signals.head(0))
    said = describe_chart(few, MEASURE, "RX000")
    assert "Too few points to look for special causes." in said
    assert "No special-cause signals" not in said
    few = dataclasses.replace(few, points=charts.points.head(3))
    assert "No special-cause signals" in describe_chart(few, MEASURE, "RX000")


def test_the_latest_signal_is_told_with_its_span(drawn_charts):
    charts = drawn_charts()
    later = charts.signals.assign(
        rule="trend7",
        side="rising",
        first=pd.Timestamp("2023-01-01"),
        last=pd.Timestamp("2023-07-01"),
    )
    signals = pd.concat([later, charts.signals], ignore_index=True)
    said = describe_chart(dataclasses.replace(charts, signals=signals), MEASURE, "RX000")
    assert (
        "2 special-cause signals, the latest from Jan 2023 to Jul 2023, rising (rule trend7)."
        in said
    )


@pytest.mark.parametrize(
    ("spoken", "contract"),
    [
        (words.VARIATION_WORDS, tables.VARIATION),
        (words.ASSURANCE_WORDS, tables.ASSURANCE),
        (words.STATUS_WORDS, tables.STATUS),
        (words.UNIT_VERDICT_WORDS, tables.UNIT_VERDICT),
    ],
)
def test_every_word_of_a_table_has_plain_words_and_none_ranks(spoken, contract):
    assert tuple(spoken) == contract
    assert not any("worst" in text.lower() or "best" in text.lower() for text in spoken.values())


@pytest.mark.parametrize(
    ("value", "per", "text"),
    [
        (0.8416, 100, "84.2%"),
        (1.0, 100, "100%"),
        (0.0, 100, "0%"),
        (0.00049, 1000, "0.49 per 1,000"),
        (12500.0, 1, "12,500"),
        (-0.0001, 1, "0"),
        (float("nan"), 100, "no value"),
        (pd.NA, 100, "no value"),
    ],
)
def test_values(value, per, text):
    assert value_text(value, tables.Display(title="", per=per)) == text


def test_a_chart_that_no_rule_judges_is_not_said_to_be_without_signals(kind_of_chart):
    assert "No special-cause signals." in describe_chart(
        kind_of_chart("p"), "pop@2023:thing", "RX0"
    )
    said = describe_chart(kind_of_chart("vlad"), "pop@2023:thing", "RX0")
    assert "Not judged" in said
    assert "No special-cause signals" not in said


@pytest.mark.parametrize(
    ("met", "cases", "said"),
    [(6469, 6472, "99.95%"), (6472, 6472, "100%"), (0, 9, "0%"), (1, 90000, "0.001%")],
)
def test_what_is_not_all_is_never_written_as_all(met, cases, said):
    assert value_text(met / cases, tables.Display(title="")) == said


def test_one_number_reads_the_same_however_it_was_reached():
    shown = tables.Display(title="")
    assert {value_text(one, shown) for one in (0.9655, 96.55 / 100, 1931 / 2000)} == {"96.6%"}
    assert number_text(96.55) == "96.6"
