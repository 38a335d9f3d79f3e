from __future__ import annotations

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spcbench.errors import ExpressionError
from spcbench.measures.expression import CHAIN_MAX, DEPTH_MAX, TOKENS_MAX, column_names, parse
from spcbench.measures.measure import Field

FIELDS = (
    Field(name="n", type="number"),
    Field(name="t", type="text"),
    Field(name="b", type="boolean"),
    Field(name="d", type="date"),
    Field(name="m", type="datetime"),
)


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("n < 3", {"n": 2.9}, True),
        ("n < 3", {"n": 3}, False),
        ("n <= 3", {"n": 3}, True),
        ("n > 3", {"n": 3}, False),
        ("n >= 3", {"n": 3}, True),
        ("n = 36.5", {"n": 36.5}, True),
        ("n <> 36.5", {"n": 36.5}, False),
        ("n != 1", {"n": 2}, True),
        ("n < 3", {}, None),
        ("n BETWEEN 154 AND 209", {"n": 154}, True),
        ("n BETWEEN 154 AND 209", {"n": 209}, True),
        ("n BETWEEN 154 AND 209", {"n": 210}, False),
        ("n NOT BETWEEN 154 AND 209", {"n": 210}, True),
        ("n IN (1, -2)", {"n": -2}, True),
        ("n NOT IN (1, 2)", {"n": 2}, False),
        ("t IN ('a', 'b')", {"t": "B"}, False),
        ("t = 'a'", {"t": "A"}, False),
        ("t = 'it''s'", {"t": "it's"}, True),
        ("t LIKE 'RJ%'", {"t": "RJ1"}, True),
        ("t LIKE 'rj%'", {"t": "RJ1"}, False),
        ("t NOT LIKE 'RJ_'", {"t": "RJ1"}, False),
        ("b AND n > 1", {"b": None, "n": 1}, False),
        ("b AND n > 1", {"b": None, "n": 2}, None),
        ("b OR n > 1", {"b": None, "n": 2}, True),
        ("NOT b", {"b": False}, True),
        ("NOT b = b", {"b": True}, False),
        ("n IS NULL", {}, True),
        ("n IS NOT NULL", {}, False),
        ("b IS TRUE", {}, False),
        ("b IS NOT TRUE", {}, True),
        ("b IS FALSE", {"b": False}, True),
        ("CASE WHEN n > 1 THEN b ELSE FALSE END", {"n": 1, "b": True}, False),
        ("CASE WHEN n > 1 THEN b END", {"n": 1, "b": True}, None),
        ("CASE n WHEN 1 THEN TRUE WHEN 2 THEN FALSE ELSE NULL END", {"n": 2}, False),
        ("COALESCE(b, TRUE)", {}, True),
        ("n / 2 = 3.5", {"n": 7}, True),
        ("n / 0 IS NULL", {"n": 7}, True),
        ("n % 0 IS NULL", {"n": 7}, True),
        ("n % 4 = 3", {"n": 7}, True),
        ("-n + 2 * 3 - 1 = 4", {"n": 1}, True),
        ("(n + 1) * 2 = 6", {"n": 2}, True),
        ("ABS(n) = 2", {"n": -2}, True),
        ("ROUND(n) = 3", {"n": 2.5}, True),
        ("ROUND(n) = -3", {"n": -2.5}, True),
        ("ROUND(n, 2) = 2.68", {"n": 2.675}, True),
        ("ROUND(n, 2) = 1.01", {"n": 1.005}, True),
        ("LEAST(n, 5) = 5", {}, True),
        ("GREATEST(n, 5, 9) = 9", {"n": 7}, True),
        ("LOWER(t) = 'a' AND UPPER(t) = 'A'", {"t": "A"}, True),
        ("TRIM(t) = 'a'", {"t": " a "}, True),
        ("minutes_between(m, TIMESTAMP '2024-01-01 01:00:59') = 60", {"m": "2024-01-01"}, True),
        ("minutes_between(m, TIMESTAMP '2024-01-01') = -1", {"m": "2024-01-01 00:01:59"}, True),
        ("hours_between(m, DATE '2024-01-02') = 23", {"m": "2024-01-01 00:00:01"}, True),
        ("days_between(d, m) = 1", {"d": "2024-01-01", "m": "2024-01-02 23:59"}, True),
        ("year(d) = 2024 AND month(d) = 4", {"d": "2024-04-30"}, True),
        ("d < m", {"d": "2024-01-01", "m": "2024-01-01 00:01"}, True),
        ("d >= DATE '2024-04-01'", {"d": "2024-04-01"}, True),
    ],
)
def test_each_piece_has_its_one_meaning(truth, text, values, expected):
    assert truth(text, **values) is expected


FUNCTION = "is not part of the SQL a measure may use (functions: ABS, COALESCE,"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("n IN (SELECT 1)", "a sub-query is not part of the SQL"),
        ("(SELECT b)", "a sub-query is not part of the SQL"),
        ("EXISTS(SELECT 1)", f"the function EXISTS {FUNCTION}"),
        ("read_csv('x') = 1", f"the function read_csv {FUNCTION}"),
        ("\"read_csv\"('x') = 1", f'the function "read_csv" {FUNCTION}'),
        ("getenv('HOME') = 't'", "the function getenv"),
        ("IFNULL(b, TRUE)", "the function IFNULL"),
        ("CAST(t AS INT) = 1", "the function CAST"),
        ("n::int = 1", "a cast (except DATE '…' and TIMESTAMP '…') is not part of the SQL"),
        ("other.b", "a name of a table is not part of the SQL a measure may use, in: other.b"),
        ("b; DROP TABLE x", "several statements (;) are not allowed"),
        ("b -- AND n > 3", "a comment is not allowed; use the description of the measure"),
        ("b /* or */", "a comment is not allowed"),
        ("n = ?", "a parameter is not part of the SQL a measure may use at '?'"),
        ("n = :p", "a parameter is not part of the SQL"),
        ("*", "* is not part of the SQL a measure may use"),
        ("t || t = 'a'", "the operator || is not part of the SQL a measure may use at 't || t'"),
        ("t ILIKE 'a'", "ILIKE is not part of the SQL a measure may use"),
        ("t LIKE 'a!' ESCAPE '!'", "ESCAPE is not part of the SQL"),
        ("t LIKE 'a\\%'", "LIKE has no escape character; its pattern may hold no \\"),
        ("t LIKE t", "LIKE takes a text literal"),
        ("n BETWEEN SYMMETRIC 2 AND 1", "BETWEEN with SYMMETRIC is not part of the SQL"),
        ("TRIM(BOTH 'x' FROM t) = 'a'", "TRIM with EXPRESSION is not part of the SQL"),
        ("n IN (n)", "IN takes literals only at 'n'"),
        ("n = NULL", "a comparison with NULL is never true; write IS NULL"),
        ("t = 1", "a number and a text cannot stand together at 't, 1'"),
        ("n BETWEEN 1 AND 'a'", "a number and a text cannot stand together"),
        ("n", "expected true or false, this is a number"),
        ("NOT n", "expected true or false, this is a number at 'n'"),
        ("NULL", "expected true or false, this is NULL"),
        ("t + 1 = 2", "expected a number, this is a text at 't'"),
        ("n IS TRUE", "expected true or false, this is a number"),
        ("ROUND(n, 11) = 1", "ROUND keeps 0 to 10 places, as a literal"),
        ("minutes_between(d) > 1", "MINUTES_BETWEEN takes two moments, from and to"),
        ("minutes_between(t, m) > 1", "expected a date and time, this is a text at 't'"),
        ("d = DATE '2024-02-30'", "expected DATE 'YYYY-MM-DD' or TIMESTAMP"),
        ("d = DATE '01/02/2024'", "expected DATE 'YYYY-MM-DD' or TIMESTAMP"),
        ("n = 1e999", "this number cannot be held at '1e999'"),
        ("nn = 1", "there is no field 'nn'; did you mean 'n'? Known: b, d, m, n, t"),
        ("t -> 'a' = 1", "the sign -> is not part of the SQL a measure may use"),
        ("n # 1 = 1", "the sign # is not part of the SQL a measure may use"),
        ("b AND", "it cannot be read as SQL ("),
        ("t = 'a", "it cannot be read as SQL (it has an open quote)"),
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("b IS DISTINCT FROM b", "is not part of the SQL a measure may use"),
        ("d = CURRENT_DATE", "is not part of the SQL a measure may use at 'CURRENT_DATE'"),
    ],
)
def test_everything_else_is_refused_by_name(text, message):
    with pytest.raises(ExpressionError) as caught:
        parse(text, FIELDS, pack="pop", measure="mgso4", part="met")
    assert message in str(caught.value)
    assert str(caught.value).startswith("pack 'pop', measure 'mgso4', met: ")


def test_the_message_shows_the_whole_expression():
    with pytest.raises(ExpressionError, match=r"at 't', in: NOT t AND b$"):
        parse("NOT t\n AND b", FIELDS)


@pytest.mark.parametrize(("levels", "allowed"), [(DEPTH_MAX, True), (DEPTH_MAX + 1, False)])
def test_nesting_has_a_limit(levels, allowed):
    nested = "(" * levels + "b" + ")" * levels
    if allowed:
        assert parse(nested, FIELDS).to_sql() == '"b"'
        return
    with pytest.raises(ExpressionError, match=r"it is nested 26 levels deep; 25 are allowed"):
        parse(nested, FIELDS)


def test_a_row_of_nots_is_nesting_too():
    with pytest.raises(ExpressionError, match="nested 26 levels deep"):
        parse("NOT " * 26 + "b", FIELDS)


def test_a_long_chain_of_ands_is_not_deep():
    assert parse(" AND ".join(["b"] * 400), FIELDS).columns == {"b"}


def test_length_has_a_limit():
    with pytest.raises(ExpressionError, match=rf"it has 1,201 words and signs; {TOKENS_MAX:,}"):
        parse(" AND ".join(["b"] * 601), FIELDS)


def test_a_long_sum_is_refused_before_it_is_walked():
    with pytest.raises(ExpressionError, match=f"chains more than {CHAIN_MAX} operators"):
        parse("+".join(["n"] * 400) + " = 1", FIELDS)


def test_columns_are_found_before_their_types_are_known():
    assert column_names("a BETWEEN 1 AND 2 OR c IS NULL") == {"a", "c"}


def test_a_prefix_goes_before_every_column():
    assert parse("b AND n > 1", FIELDS).to_sql(prefix="0.") == (
        '("0.b" AND ("0.n" > CAST(1.0 AS DOUBLE)))'
    )


def test_a_name_cannot_break_out_of_its_quotation_marks():
    odd = Field(name='a" OR 1=1 --', type="boolean")
    assert parse('"a"" OR 1=1 --"', [odd]).to_sql() == '"a"" OR 1=1 --"'
    assert parse('"a"" OR 1=1 --"', [odd]).to_sql("spark") == '`a" OR 1=1 --`'


def test_spark_has_its_own_words_for_time_and_text():
    sql = parse("minutes_between(d, m) <= 60 AND t = 'a\\b'", FIELDS).to_sql("spark")
    assert sql == (
        "((CAST(timestampdiff(MINUTE, CAST(`d` AS TIMESTAMP_NTZ), CAST(`m` AS TIMESTAMP_NTZ)) "
        "AS DOUBLE) <= CAST(60.0 AS DOUBLE)) AND (`t` = 'a\\\\b'))"
    )


WORDS = st.sampled_from(
    """
    b n t d m 1 2.5 'a' NULL TRUE AND OR NOT IN ( ) , = < <> + - * / % IS BETWEEN LIKE CASE WHEN
    THEN ELSE END COALESCE ABS ROUND LEAST TRIM minutes_between year DATE TIMESTAMP '2024-01-01'
    SELECT FROM read_csv CAST AS :: INT ; -- /* */ ? @ [ ] { } . || " ' \\ EXISTS VALUES LAMBDA
    INTERVAL ESCAPE COLLATE OVER FILTER ARRAY STRUCT x'41' $1 # `b` := -> ->> ANY ALL
    """.split()  # noqa: SIM905
)
RECORD = (
    "SELECT 1.5::DOUBLE AS n, 'a' AS t, TRUE AS b, DATE '2024-01-01' AS d, "
    "TIMESTAMP '2024-01-01 10:00:00' AS m"
)


@given(st.one_of(st.lists(WORDS, max_size=14).map(" ".join), st.text(max_size=40)))
@example("{{b}}")
@example("b\x00")
@example("a b c (((")
def test_no_text_does_anything_but_pass_or_be_refused(text):
    try:
        sql = parse(text, FIELDS).to_sql()
    except ExpressionError:
        return
    # What passes is built from our own templates: it binds and runs on any record.
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT {sql} FROM ({RECORD})").fetchone()
    assert found is not None
    assert found[0] in (True, False, None)
    assert not any(word in sql for word in ("SELECT", "read_csv", ";", "--"))
