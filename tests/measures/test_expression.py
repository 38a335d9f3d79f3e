from __future__ import annotations

import duckdb
import pytest

from spcbench.errors import ExpressionError
from spcbench.measures.expression import DEPTH_MAX, TOKENS_MAX, column_names, parse, parse_value
from spcbench.measures.gates import CHAIN_MAX, GROWTH_MAX, LENGTH_MAX
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
        ("ROUND(n, 1) = 2.5", {"n": 2.49999999995}, True),
        ("ROUND(n) = n", {"n": 123456789012345678.0}, True),
        ("ROUND(n, 2) = n", {"n": 123456789012345.67}, True),
        ("ROUND(n) IS NULL", {"n": 1e28}, True),
        ("LEAST(n, 5) = 5", {}, True),
        ("GREATEST(n, 5, 9) = 9", {"n": 7}, True),
        ("LOWER(t) = 'a' AND UPPER(t) = 'A'", {"t": "A"}, True),
        ("LOWER(t) = 'iσß'", {"t": "İΣß"}, True),
        ("UPPER(t) = 'ẞŉﬁ'", {"t": "ßŉﬁ"}, True),
        ("TRIM(t) = 'a'", {"t": " a "}, True),
        ("TRIM(t) = 'a '", {"t": "	 a \r\n"}, True),
        ("minutes_between(m, TIMESTAMP '2024-01-01 01:00:59') = 60", {"m": "2024-01-01"}, True),
        ("minutes_between(m, TIMESTAMP '2024-01-01') = -1", {"m": "2024-01-01 00:01:59"}, True),
        ("hours_between(m, DATE '2024-01-02') = 23", {"m": "2024-01-01 00:00:01"}, True),
        ("days_between(d, m) = 1", {"d": "2024-01-01", "m": "2024-01-02 23:59"}, True),
        ("year(d) = 2024 AND month(d) = 4", {"d": "2024-04-30"}, True),
        ("weekday(d) = 1", {"d": "2024-01-01"}, True),
        ("weekday(d) = 7", {"d": "2024-01-07"}, True),
        ("day(d) = 29 AND quarter(d) = 1", {"d": "2024-02-29"}, True),
        ("hour(m) = 23 AND minute(m) = 59", {"m": "2024-02-29 23:59:59.9"}, True),
        ("hour(m) = 0 AND weekday(m) = 4", {"m": "2024-02-29"}, True),
        ("d < m", {"d": "2024-01-01", "m": "2024-01-01 00:01"}, True),
        ("d >= DATE '2024-04-01'", {"d": "2024-04-01"}, True),
    ],
)
def test_each_piece_has_its_one_meaning(truth, text, values, expected):
    assert truth(text, **values) is expected


FUNCTION = "is not part of the SQL a measure may use (functions: ABS, COALESCE,"


@pytest.mark.parametrize(
    ("text", "message", "caret"),
    [
        ("n IN (SELECT 1)", "a sub-query is not part of the SQL", "SELECT"),
        ("(SELECT b)", "a sub-query is not part of the SQL", "SELECT"),
        ("EXISTS(SELECT 1)", f"the function EXISTS {FUNCTION}", "EXISTS"),
        ("read_csv('x') = 1", f"the function read_csv {FUNCTION}", "read_csv"),
        ("\"read_csv\"('x') = 1", f'the function "read_csv" {FUNCTION}', '"read_csv"'),
        ("getenv('HOME') = 't'", "the function getenv", "getenv"),
        ("IFNULL(b, TRUE)", "the function IFNULL", "IFNULL"),
        ("CAST(t AS INT) = 1", "the function CAST", "CAST"),
        ("n::int = 1", "a cast (::) is not part of the SQL", "::"),
        ("'2024-01-01'::date = d", "a cast (::) is not part of the SQL", "::"),
        ("other.b", "a name of a table, or a dot between names, is not part of the SQL", "."),
        ("b; DROP TABLE x", "several statements (;) are not allowed", ";"),
        ("b -- AND n > 3", "a comment is not allowed; use the description", "b -- AND n > 3"),
        ("b /* or */", "a comment is not allowed", "b /* or */"),
        ("-- b", "a comment is not allowed", "-- b"),
        ("n = ?", "a parameter (?) is not part of the SQL a measure may use", "?"),
        ("n = :p", "a parameter (:) is not part of the SQL", ":"),
        ("*", "* is not part of the SQL a measure may use", "*"),
        ("t || t = 'a'", "the operator || is not part of the SQL a measure may use", "||"),
        ("t ILIKE 'a'", "ILIKE is not part of the SQL a measure may use", "t ILIKE 'a'"),
        ("b ISNULL", "ISNULL (write IS NULL) is not part of the SQL", "ISNULL"),
        ("b IS NOT UNKNOWN", "UNKNOWN is not part of the SQL", "UNKNOWN"),
        ("t LIKE 'a!' ESCAPE '!'", "ESCAPE is not part of the SQL", "t LIKE 'a!' ESCAPE '!'"),
        ("t LIKE 'a\\%'", "LIKE has no escape character; its pattern may", "t LIKE 'a\\%'"),
        ("b OR t LIKE t", "LIKE takes a text literal", "t LIKE t"),
        ("n BETWEEN SYMMETRIC 2 AND 1", "BETWEEN with SYMMETRIC", "n BETWEEN SYMMETRIC 2 AND 1"),
        ("TRIM(BOTH 'x' FROM t) = 'a'", "TRIM with EXPRESSION is not", "'x' FROM t"),
        ("n IN (-n)", "IN takes literals only", "-n"),
        ("b AND n = NULL", "a comparison with NULL is never true; write IS NULL", "n"),
        ("t = 1", "a number and a text cannot stand together", "t = 1"),
        ("b AND n BETWEEN 1 AND 'a'", "a number and a text cannot stand", "n BETWEEN 1 AND 'a'"),
        ("COALESCE(n, 'a') = 1", "a number and a text cannot stand", "COALESCE(n, 'a')"),
        ("(CASE WHEN b THEN 1 ELSE 'a' END)", "a number and a", "CASE WHEN b THEN 1 ELSE 'a' END"),
        ("n", "expected true or false, this is a number", "n"),
        ("NOT n", "expected true or false, this is a number", "n"),
        ("b AND NULL", "expected true or false, this is NULL", "NULL"),
        ("(b AND (n + 1) * 2)", "expected true or false, this is a number", "(n + 1) * 2"),
        ("t + 1 = 2", "expected a number, this is a text", "t"),
        ("n IS TRUE", "expected true or false, this is a number", "n"),
        ("ROUND(n, 11) = 1", "ROUND keeps 0 to 10 places, as a literal", "ROUND(n, 11)"),
        ("minutes_between(d) > 1", "MINUTES_BETWEEN takes two moments", "minutes_between(d)"),
        ("minutes_between(t, m) > 1", "expected a date and time, this is a text", "t"),
        ("weekday(d, m) = 1", "WEEKDAY takes one date", "weekday(d, m)"),
        ("hour(d) = 1", "HOUR takes a date and time; a date has no hour", "d"),
        ("LEAST(n) = 1", "LEAST takes at least two values", "LEAST(n)"),
        ("d = DATE '2024-02-30'", "expected DATE 'YYYY-MM-DD' or TIME", "DATE '2024-02-30'"),
        ("d = DATE '01/02/2024'", "expected DATE 'YYYY-MM-DD' or TIME", "DATE '01/02/2024'"),
        ("d = DATE '2024-W01-1'", "expected DATE 'YYYY-MM-DD' or TIME", "DATE '2024-W01-1'"),
        ("m = TIMESTAMP '2024-01-01T10+00:00'", "expected DATE", "TIMESTAMP '2024-01-01T10+00:00'"),
        ("m = DATETIME '2024-01-01'", "expected DATE 'YYYY-MM-DD' or TIME", "'2024-01-01'"),
        ("n = 1e999", "this number cannot be held", "1e999"),
        ("n = ٣", "there is no field '٣'", "٣"),
        ("nn = 1", "there is no field 'nn'; did you mean 'n'? Known: b, d, m, n, t", "nn"),
        ("t -> 'a' = 1", "the sign -> is not part of the SQL a measure may use", "->"),
        ("n # 1 = 1", "the sign # is not part of the SQL a measure may use", "#"),
        ("n = 'a\u202e'", "it holds the hidden character U+202E", " "),
        ("b AND", "it cannot be read as SQL: it ends too early, or its end", "AND"),
        ("n = = 1 OR b", "it cannot be read as SQL: something is missing here", "="),
        ("b AND (n > 1", "a bracket is opened and not closed", "("),
        ("b) AND n > 1", "a closing bracket has no beginning", ")"),
        ("CASE WHEN b THEN b", "CASE has no END", "CASE"),
        ("b END", "END has no beginning", "END"),
        ("t = 'a", "a quotation mark is opened and not closed", "'a"),
        ("b IS DISTINCT FROM b", "is not part of the SQL", "b IS DISTINCT FROM b"),
        ("d = CURRENT_DATE", "CURRENTDATE is not part of the SQL", "CURRENT_DATE"),
    ],
)  # fmt: skip
def test_everything_else_is_refused_by_name_with_a_caret(text, message, caret):
    with pytest.raises(ExpressionError) as caught:
        parse(text, FIELDS, pack="pop", measure="mgso4", part="met")
    sentence, shown, carets = str(caught.value).split("\n")
    assert sentence.startswith("pack 'pop', measure 'mgso4', met: ")
    assert message in sentence
    marked = "".join(
        mark for mark, under in zip(shown, carets.ljust(len(shown)), strict=True) if under == "^"
    )
    assert marked == caret


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_expression_is_refused(text):
    with pytest.raises(ExpressionError, match=r"^expression: it is empty$"):
        parse(text, FIELDS)


def test_of_several_lines_the_message_tells_line_and_column():
    with pytest.raises(ExpressionError) as caught:
        parse("\n  n < 3\n  AND t = 1\n  AND b\n", FIELDS)
    assert str(caught.value).splitlines() == [
        "expression: a number and a text cannot stand together (line 3, column 7)",
        "    n < 3",
        "    AND t = 1",
        "        ^^^^^",
        "    AND b",
    ]


def test_a_long_line_is_cut_around_the_place():
    with pytest.raises(ExpressionError) as caught:
        parse("b AND " * 60 + "t = 1" + " AND b" * 60, FIELDS)
    _, shown, carets = str(caught.value).split("\n")
    assert shown.startswith("  …")
    assert shown.endswith("…")
    assert shown[carets.index("^") : len(carets)] == "t = 1"


def test_the_caret_stands_right_after_wide_letters():
    wide = Field(name="名", type="text")
    with pytest.raises(ExpressionError) as caught:
        parse("名 = '名' AND 名 = 1", [wide])
    assert str(caught.value).splitlines()[-1] == "  " + " " * 14 + "^" * 6


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("n * 7 + 1", "number"),
        ("LOWER(t)", "text"),
        ("CASE WHEN b THEN d END", "date"),
        ("COALESCE(d, m)", "datetime"),
        ("CASE WHEN b THEN NULL ELSE 'a' END", "text"),
        ("n > 1", "boolean"),
        ("weekday(d)", "number"),
    ],
)
def test_a_value_tells_its_kind(text, kind):
    assert parse_value(text, FIELDS).kind == kind


def test_a_condition_is_of_the_kind_boolean():
    assert parse("n > 1", FIELDS).kind == "boolean"


def test_a_value_that_is_always_null_is_refused():
    with pytest.raises(ExpressionError, match="bmi: it is always NULL, so it has no type"):
        parse_value("COALESCE(NULL, NULL)", FIELDS, part="bmi")


@pytest.mark.parametrize(("levels", "allowed"), [(DEPTH_MAX, True), (DEPTH_MAX + 1, False)])
def test_nesting_has_a_limit(levels, allowed):
    nested = "(" * levels + "b" + ")" * levels
    if allowed:
        assert parse(nested, FIELDS).to_sql() == '"b"'
        return
    with pytest.raises(ExpressionError, match="it is nested more than 25 levels deep"):
        parse(nested, FIELDS)


def test_a_row_of_nots_is_nesting_too():
    with pytest.raises(ExpressionError, match="nested more than 25 levels deep"):
        parse("NOT " * 26 + "b", FIELDS)


def test_a_long_chain_of_ands_is_not_deep():
    assert parse(" AND ".join(["b"] * 400), FIELDS).columns == {"b"}


def test_length_has_a_limit():
    with pytest.raises(ExpressionError, match=rf"it has 1,201 words and signs; {TOKENS_MAX:,}"):
        parse(" AND ".join(["b"] * 601), FIELDS)


def test_a_long_sum_is_refused_before_it_is_walked():
    with pytest.raises(ExpressionError, match=f"chains more than {CHAIN_MAX} operators"):
        parse("+".join(["n"] * 400) + " = 1", FIELDS)


def test_a_long_text_is_refused_before_it_is_read():
    with pytest.raises(ExpressionError, match=f"it is 20,001 characters long; {LENGTH_MAX:,} are"):
        parse("b" * (LENGTH_MAX + 1), FIELDS)


RECORD = (
    "SELECT 1.5::DOUBLE AS n, 'a' AS t, TRUE AS b, DATE '2024-01-01' AS d, "
    "TIMESTAMP '2024-01-01 10:00:00' AS m"
)
NESTS = {
    "abs": ("ABS({})", "n"),
    "divisor": ("n / ({})", "n"),
    "remainder": ("n % ({})", "n"),
    "round": ("ROUND({}, 1)", "n"),
    "least": ("LEAST({}, n)", "n"),
    "coalesce": ("COALESCE(n, {})", "n"),
    "trim": ("TRIM({})", "t"),
    "lower": ("LOWER({})", "t"),
    "upper": ("UPPER({})", "t"),
    "not": ("NOT ({})", "b"),
    "is": ("({}) IS TRUE", "b"),
    "equal": ("({}) = b", "b"),
    "and_or": ("({} OR n > 1) AND b", "b"),
    "between": ("({}) BETWEEN FALSE AND TRUE", "b"),
    "between_low": ("b BETWEEN ({}) AND TRUE", "b"),
    "case_when": ("CASE WHEN {} THEN b ELSE n > 1 END", "b"),
    "case_of": ("CASE {} WHEN 1 THEN 1 WHEN 2 THEN 3 WHEN 4 THEN 5 END", "n"),
    "in": ("CASE {} WHEN 1 THEN 1 END", "n"),
    "in_two": ("CASE WHEN {} IN (1, 2) THEN 1 END", "n"),
    "in_nine": ("CASE WHEN {} IN (1, 2, 3, 4, 5, 6, 7, 8, 9) THEN 1 END", "n"),
    "elapsed": ("minutes_between(m, CASE WHEN {} > 1 THEN m END)", "n"),
}


def deepest(shape: str) -> str:
    """A construct inside itself, as often as the gates let it through."""
    template, inner = NESTS[shape]
    passed = inner
    for _ in range(DEPTH_MAX + 1):
        inner = template.replace("{}", inner)
        try:
            parse_value(inner, FIELDS)
        except ExpressionError:
            return passed
        passed = inner
    return passed


@pytest.mark.parametrize("shape", NESTS)
def test_what_an_engine_would_copy_without_end_is_refused(shape):
    sql = parse_value(deepest(shape), FIELDS).to_sql()
    with duckdb.connect(config={"memory_limit": "1GB"}) as connection:
        assert connection.execute(f"SELECT {sql} FROM ({RECORD})").fetchall()


def test_divisors_within_divisors_have_a_limit():
    text = "n / (" * 20 + "n" + ")" * 20 + " = 1"
    with pytest.raises(ExpressionError, match=f"would make .* pieces of it; {GROWTH_MAX:,} are"):
        parse(text, FIELDS)


def test_columns_are_found_before_their_types_are_known():
    assert column_names("a BETWEEN 1 AND 2 OR c IS NULL") == {"a", "c"}


def test_a_prefix_goes_before_every_column():
    assert parse("b AND n > 1", FIELDS).to_sql(prefix="0.") == (
        '("0.b" AND ("0.n" > CAST(1.0e0 AS DOUBLE)))'
    )


def test_a_name_cannot_break_out_of_its_quotation_marks():
    odd = Field(name='a" OR 1=1 --', type="boolean")
    assert parse('"a"" OR 1=1 --"', [odd]).to_sql() == '"a"" OR 1=1 --"'
    assert parse('"a"" OR 1=1 --"', [odd]).to_sql("spark") == '`a" OR 1=1 --`'


def test_spark_has_its_own_words_for_time_and_text():
    sql = parse("minutes_between(d, m) <= 60 AND t = 'a\\b'", FIELDS).to_sql("spark")
    assert sql == (
        "((CAST(CAST(CAST((CAST(`m` AS TIMESTAMP_NTZ) - CAST(`d` AS TIMESTAMP_NTZ)) AS INTERVAL "
        "MINUTE) AS BIGINT) AS DOUBLE) <= CAST(60.0e0 AS DOUBLE)) "
        "AND (`t` = CAST(X'615c62' AS STRING)))"
    )


@pytest.mark.parametrize("secret", ["${env:HOME}", "${spark.app.name}", "$", "it's", "é", "a\nb"])
def test_no_text_reaches_spark_that_it_might_replace(secret):
    sql = parse("t = '" + secret.replace("'", "''") + "'", FIELDS).to_sql("spark")
    assert sql == f"(`t` = CAST(X'{secret.encode().hex()}' AS STRING))"


def test_a_field_cannot_be_named_after_a_setting_of_spark():
    odd = Field(name="${env:HOME}", type="boolean")
    with pytest.raises(ExpressionError, match="the name of a field may not hold"):
        parse('"${env:HOME}"', [odd])
