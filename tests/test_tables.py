import numpy as np
import pandas as pd
import pytest

from spcbench import tables
from spcbench.tables import Column, Contract

CONTRACTS = [
    tables.COUNTS,
    tables.COUNTS_OPTIONAL,
    tables.POINTS,
    tables.SIGNALS,
    tables.SUMMARY,
    tables.UNITS,
    tables.CURVE,
    tables.FUNNEL_SUMMARY,
    tables.ADVICE,
    tables.QUALITY,
    tables.REJECTS,
]
SMALL = Contract(
    "small",
    (
        Column("unit", "string"),
        Column("period", "date"),
        Column("points", "integer"),
        Column("value", "float"),
        Column("latest", "boolean"),
        Column("side", "category", tables.SIDE),
    ),
)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
def test_an_empty_table_has_every_column_in_order_with_its_type(contract):
    empty = contract.empty()
    assert empty.columns.tolist() == contract.names
    assert len(set(contract.names)) == len(contract.names)
    assert empty.dtypes.tolist() == [column.dtype for column in contract.columns]


def test_a_filled_table_has_the_types_of_the_empty_one():
    made = SMALL.frame(
        {
            "side": "above",
            "unit": ["RJ1", None],
            "period": np.array(["2024-01-01", "2024-02-01"], "datetime64[D]"),
            "points": [7, None],
            "value": 0.5,
            "latest": True,
        }
    )
    pd.testing.assert_series_equal(made.dtypes, SMALL.empty().dtypes)
    assert made["value"].tolist() == [0.5, 0.5]
    assert made["points"].isna().tolist() == [False, True]
    assert made["side"].tolist() == ["above", "above"]
    assert made.index.tolist() == [0, 1]


def test_a_column_outside_the_contract_is_an_error():
    with pytest.raises(KeyError, match="small has no column 'colour'"):
        SMALL.frame({**{name: [] for name in SMALL.names}, "colour": []})


def test_points_and_units_hold_what_the_design_says_in_its_order():
    assert " ".join(tables.POINTS.names) == (
        "measure unit period numerator denominator value centre sigma lcl ucl lower_warning "
        "upper_warning limit_method phase in_baseline target special_cause verdict rules status "
        "note excluded trajectory period_end"
    )
    assert " ".join(tables.UNITS.names) == (
        "measure group unit first last periods numerator denominator expected value target z "
        "z_adjusted p_value q_value lower_95 upper_95 lower_998 upper_998 position verdict status "
        "size q_value_by"
    )
