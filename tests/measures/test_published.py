from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from spcbench.errors import InputError
from spcbench.measures.measure import Measure
from spcbench.measures.published import published_counts
from spcbench.plugin.records import Pack

MISSING = "Missing value / Value outside reporting parameters"


def apgar(**settings: Any) -> Measure:
    chosen = {
        "count_of": "Babies",
        "met_categories": ("0 to 6",),
        "not_met_categories": ("7 to 10",),
        "unknown_categories": (MISSING,),
        **settings,
    }
    return Measure(
        id="apgar", title="A", better="lower", kind="published", dimension="ApgarScore5", **chosen
    )


def pack_of(*measures: Measure) -> Pack:
    return Pack(id="pub", title="P", version="1", record="baby", measures=measures)


def figures(*rows: tuple[Any, ...], **columns: Any) -> pd.DataFrame:
    """Rows of unit, category and value, made whole."""
    frame = pd.DataFrame(rows, columns=["unit", "category", "value"])
    defaults = {
        "period": pd.Timestamp("2022-04-01"),
        "level": "provider",
        "unit_name": "Trust " + frame["unit"],
        "dimension": "ApgarScore5",
        "count_of": "Babies",
    }
    return frame.assign(**{**defaults, **columns})


WHOLE = (
    ("R0A", "0 to 6", 135),
    ("R0A", "7 to 10", 12380),
    ("R0A", MISSING, 180),
    ("R0B", "0 to 6", 75),
    ("R0B", "7 to 10", 2870),
    ("R0B", MISSING, 5),
)


def counts_of(frame: pd.DataFrame, *measures: Measure) -> pd.DataFrame:
    return published_counts(frame, pack_of(*(measures or (apgar(),))), source="figures.csv")


def numbers(counts: pd.DataFrame) -> list[list[Any]]:
    columns = ["unit", "numerator", "denominator", "missing", "status"]
    return [[None if pd.isna(cell) else cell for cell in row] for row in counts[columns].to_numpy()]


def test_categories_add_up():
    counts = counts_of(figures(*WHOLE))
    assert numbers(counts) == [["R0A", 135, 12515, 180, "ok"], ["R0B", 75, 2945, 5, "ok"]]
    assert counts["measure"].unique().tolist() == ["pub@1:apgar"]
    assert counts["unit_name"].tolist() == ["Trust R0A", "Trust R0B"]
    assert counts["level"].tolist() == ["provider", "provider"]
    assert counts["numerator"].dtype == pd.Int64Dtype()


def test_capitals_and_spaces_do_not_matter():
    frame = figures(*WHOLE)
    frame["category"] = frame["category"].str.upper().str.replace(" ", "  ")
    frame["dimension"] = "apgarscore5"
    frame["count_of"] = "BABIES"
    pd.testing.assert_frame_equal(counts_of(frame), counts_of(figures(*WHOLE)))


@pytest.mark.parametrize(
    ("dropped", "expected"),
    [
        ("0 to 6", ["R0A", None, None, 180, "no_data"]),
        ("7 to 10", ["R0A", None, None, 180, "no_data"]),
        (MISSING, ["R0A", 135, 12515, None, "ok"]),
    ],
)
def test_a_missing_part_is_never_nought(dropped, expected):
    absent = [row for row in WHOLE if row[:2] != ("R0A", dropped)]
    assert numbers(counts_of(figures(*absent)))[0] == expected
    null = [(*row[:2], None if row[:2] == ("R0A", dropped) else row[2]) for row in WHOLE]
    assert numbers(counts_of(figures(*null)))[0] == expected


def test_absent_is_zero_only_where_the_measure_says_so():
    absent = [row for row in WHOLE if row[:2] != ("R0A", "0 to 6")]
    zero = apgar(absent="zero")
    assert numbers(counts_of(figures(*absent), zero))[0] == ["R0A", 0, 12380, 180, "ok"]
    # A row that is there without a figure is still not nought.
    null = [(*row[:2], None if row[:2] == ("R0A", "0 to 6") else row[2]) for row in WHOLE]
    assert numbers(counts_of(figures(*null), zero))[0][1] is None


def test_several_categories_make_one_numerator():
    low = apgar(met_categories=("0 to 3", "4 to 6"))
    frame = figures(("A", "0 to 3", 2), ("A", "4 to 6", 3), ("A", "7 to 10", 5), ("A", MISSING, 0))
    assert numbers(counts_of(frame, low)) == [["A", 5, 10, 0, "ok"]]
    assert numbers(counts_of(frame.iloc[1:], low))[0][1] is None


def test_levels_and_periods_stay_apart():
    frame = pd.concat(
        [
            figures(*WHOLE, period_end=pd.Timestamp("2023-03-31")),
            figures(*WHOLE, level="national", period_end=pd.Timestamp("2023-03-31")).assign(
                unit="N"
            )[:3],
        ]
    )
    counts = counts_of(frame)
    assert counts[["unit", "level"]].to_numpy().tolist() == [
        ["N", "national"],
        ["R0A", "provider"],
        ["R0B", "provider"],
    ]
    assert counts["period_end"].unique() == [pd.Timestamp("2023-03-31")]


def test_a_measure_that_is_not_in_the_file_has_no_rows():
    other = Measure(
        id="other", title="O", better="lower", kind="published", dimension="Other",
        met_categories=("a",), not_met_categories=("b",),
    )  # fmt: skip
    counts = counts_of(figures(*WHOLE), apgar(), other)
    assert counts["measure"].unique().tolist() == ["pub@1:apgar"]
    with pytest.raises(InputError, match=r"holds no measure of the pack pub@1; its dim.*: ApgarSc"):
        counts_of(figures(*WHOLE), other)


@pytest.mark.parametrize(
    ("frame", "settings", "message"),
    [
        (
            figures(*WHOLE, ("R0A", "07-Oct", 3)),
            {},
            "figures.csv, ApgarScore5 / 07-Oct of R0A in 2022-04-01: measure 'apgar' does not "
            "list this category;",
        ),
        (
            figures(*WHOLE, WHOLE[0]),
            {},
            "ApgarScore5 / 0 to 6 of R0A in 2022-04-01: this figure stands twice",
        ),
        (
            figures(*WHOLE, count_of="Women"),
            {},
            "ApgarScore5 is published for Women, not for Babies, which measure 'apgar' counts",
        ),
        (
            pd.concat([figures(*WHOLE), figures(*WHOLE, count_of="Women")]),
            {"count_of": ""},
            "is published for Babies, Women; measure 'apgar' must say which with count_of",
        ),
        (
            figures(("R0A", "0 to 6", 1.5)),
            {},
            "ApgarScore5 / 0 to 6 of R0A in 2022-04-01: '1.5' is not a whole number of at least 0",
        ),
        (figures(("R0A", "0 to 6", -1)), {}, "'-1' is not a whole number of at least 0"),
        (figures(("R0A", "0 to 6", "*")), {}, "'*' is not a whole number of at least 0"),
        (
            figures(*WHOLE).rename(columns={"category": "Category"}),
            {},
            "figures.csv has no column 'category'; did you mean 'Category'?",
        ),
    ],
)
def test_a_figure_that_cannot_be_used_is_named(frame, settings, message):
    with pytest.raises(InputError) as caught:
        counts_of(frame, apgar(**settings))
    assert message in str(caught.value)


def test_the_callers_frame_is_left_as_it_was():
    frame = figures(*WHOLE)
    before = frame.copy(deep=True)
    counts_of(frame)
    pd.testing.assert_frame_equal(frame, before)
