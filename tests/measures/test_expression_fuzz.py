"""No text crashes or hangs the reader, or brings anything outside the subset into the SQL."""

from __future__ import annotations

import duckdb
import pytest
import sqlglot
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from spcbench.errors import ExpressionError
from spcbench.measures.expression import DEPTH_MAX, Expression, column_names, parse, parse_value
from spcbench.measures.gates import LENGTH_MAX
from spcbench.measures.measure import Field

FIELDS = (
    Field(name="n", type="number"),
    Field(name="t", type="text"),
    Field(name="b", type="boolean"),
    Field(name="d", type="date"),
    Field(name="m", type="datetime"),
)
NASTY = """
    SELECT * FROM (VALUES
        (1.5::DOUBLE, 'a', TRUE, DATE '2024-02-29', TIMESTAMP '2024-02-29 00:00:00'),
        ('nan'::DOUBLE, '', FALSE, DATE '1900-01-01', TIMESTAMP '1900-01-01 23:59:59.999999'),
        ('inf'::DOUBLE, 'it''s', NULL, DATE '2100-12-31', TIMESTAMP '2100-12-31 12:00:00'),
        ('-inf'::DOUBLE, '%_', TRUE, NULL, NULL),
        (1.7e308::DOUBLE, NULL, FALSE, DATE '2024-03-31', TIMESTAMP '2024-03-31 01:30:00'),
        (-2.5::DOUBLE, '\U0001f600', TRUE, DATE '2023-12-31', TIMESTAMP '2023-12-31 00:00:00'),
        (0::DOUBLE, 'a\nb', NULL, NULL, NULL),
        (NULL, NULL, NULL, NULL, NULL)
    ) AS records(n, t, b, d, m)
"""

_WORDS = """
    b n t d m 1 2.5 .5 5. 1e5 1_000 0x1F 'a' '' 'it''s' '%' '${env:HOME}' NULL TRUE FALSE AND OR NOT
    IN ( ) , = < <> != <= >= > + - * / % IS BETWEEN LIKE CASE WHEN THEN ELSE END COALESCE ABS ROUND
    LEAST GREATEST TRIM LOWER UPPER minutes_between hours_between days_between year quarter month
    day weekday hour minute DATE TIMESTAMP '2024-01-01' '2024-02-29 10:00' SELECT FROM WITH WHERE
    read_csv CAST TRY_CAST AS :: INT ; -- /* */ ? @ [ ] { } . || " ' \\ EXISTS VALUES LAMBDA
    INTERVAL ESCAPE COLLATE OVER FILTER ARRAY STRUCT MAP x'41' N'a' E'a' $1 $$ # `b` := -> ->> => ~
    ANY ALL SOME UNIQUE DISTINCT SYMMETRIC ISNULL NOTNULL UNKNOWN XOR DIV RLIKE REGEXP ILIKE GLOB
    SIMILAR TO AT TIME ZONE CURRENT_DATE CURRENT_USER SESSION_USER DATETIME TIMESTAMPTZ UNNEST
    PIVOT QUALIFY HAVING UNION EXCEPT COLUMNS POSITION EXTRACT SUBSTRING PRIOR CONNECT NEXT {{b}}
"""
WORDS = _WORDS.split()

_CALLS = """
    read_csv read_csv_auto read_parquet read_json read_text read_blob glob parquet_scan sqlite_scan
    postgres_scan getenv current_setting set_config pragma_table_info duckdb_settings
    duckdb_secrets which_secret load_extension install query query_table sniff_csv nextval setseed
    random uuid now today current_user version sleep repeat range generate_series unnest list_value
    struct_pack map_from_entries regexp_matches regexp_replace printf format eval java_method
    reflect try_reflect spark_partition_id input_file_name session_user current_catalog
    current_database monotonically_increasing_id assert_true raise_error xpath from_json
    schema_of_csv parse_url http_get ai_query aes_decrypt transform exists forall aggregate explode
    stack cast
    try_cast if ifnull nvl decode concat substring count sum max row_number lag md5 hash typeof
    date_diff datediff date_trunc dayofweek dayname strftime epoch extract position overlay EXISTS
"""
CALLS = _CALLS.split()

_ALLOWED = """
    select and or not eq neq lt lte gt gte between in is like case if coalesce least greatest
    add sub mul div mod neg paren abs round lower upper trim cast trycast datatype datatypeparam
    nullif column identifier literal boolean null year quarter month day hour minute anonymous
    dayofweekiso datesub timestampsub var
"""
ALLOWED = {
    "duckdb": set(_ALLOWED.split()),
    # The last is how the reader shows year(d): it puts in a cast that no engine sees.
    "spark": {*_ALLOWED.split(), "translate", "hexstring", "weekday", "interval", "tsordstodate"},
}
_ANONYMOUS = "date_sub isodow weekday btrim translate hour minute"
ANONYMOUS = set(_ANONYMOUS.split())

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def accepted(text: str) -> bool:
    """Whether it passes; what passes is of the subset in both dialects, and runs."""
    try:
        read = parse_value(text, FIELDS)
    except ExpressionError as error:
        refusal = str(error)
    else:
        runs_within_the_subset(read)
        return True
    assert refusal.startswith("expression: ")
    assert all(mark.isprintable() for line in refusal.split("\n") for mark in line)
    return False


def runs_within_the_subset(read: Expression) -> None:
    if read.kind == "boolean":
        assert column_names(read.text) == read.columns
    for dialect in ("duckdb", "spark"):
        only_the_subset(read.to_sql(dialect), dialect)
    with duckdb.connect(config={"memory_limit": "1GB", "threads": "1"}) as connection:
        connection.execute("SET enable_external_access = false")
        found = connection.execute(f"SELECT {read.to_sql()} FROM ({NASTY})").fetchall()
    assert len(found) == 8
    if read.kind == "boolean":
        assert {row[0] for row in found} <= {True, False, None}


def only_the_subset(sql: str, dialect: str) -> None:
    """Read the SQL again: every piece is on a list, and every name is a field of ours."""
    statements = sqlglot.parse(f"SELECT {sql}", read=dialect)
    assert len(statements) == 1
    assert statements[0] is not None
    assert len(statements[0].expressions) == 1
    for node in statements[0].walk():
        assert node.key in ALLOWED[dialect], (node.key, sql)
        assert not node.comments
        if isinstance(node, exp.Column):
            assert node.name in {field.name for field in FIELDS}
            assert not node.table
        if isinstance(node, exp.Anonymous):
            assert node.name.lower() in ANONYMOUS
    if dialect == "spark":
        assert "$" not in sql  # Spark replaces ${…} even inside quotation marks


@PATIENT
@given(st.lists(st.sampled_from(WORDS), max_size=16).map(" ".join))
@example("{{b}}")
@example("t = '${env:HOME}'")
@example("n / (n / (n / n)) IN (1, 2)")
@example("CASE t WHEN '' THEN b END IS NOT FALSE")
def test_a_soup_of_words_passes_or_is_refused(text):
    accepted(text)


@PATIENT
@given(st.text(max_size=60))
@example("b\x00")
@example("t = '\ud800'")
@example("t = '\u202e'")
@example("n = \u0663")
@example("\ufeffb")
@example('"')
@example("'")
@example("/*")
@example("--")
@example("b\u00a0AND b")
@example("$$b$$ = t")
def test_any_text_passes_or_is_refused(text):
    accepted(text)


GOOD = [
    "n BETWEEN 154 AND 209 AND (t = 'it''s' OR b IS NOT TRUE)",
    "CASE WHEN n / 7 > 34 THEN ROUND(n, 1) ELSE -n % 3 END",
    "minutes_between(m, TIMESTAMP '2024-02-29 10:00') <= 60 AND weekday(d) IN (6, 7)",
    "COALESCE(LOWER(TRIM(t)), 'a') LIKE 'RJ_%' OR d < DATE '2024-02-29'",
]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A good expression with a few characters lost, doubled, changed or put in."""
    text = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 6)))
        middle = draw(
            st.one_of(
                st.just(""),
                st.just(text[start:end] * 2),
                st.sampled_from(WORDS),
                st.text(alphabet="'\"()-/*;$\\{}\n\t ,.:%0en", max_size=4),
            )
        )
        text = text[:start] + middle + text[end:]
    return text


@PATIENT
@given(mutated())
def test_a_damaged_expression_passes_or_is_refused(text):
    accepted(text)


@pytest.mark.parametrize("text", GOOD)
def test_the_expressions_to_be_damaged_pass(text):
    assert accepted(text)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "template",
    [
        "{}('x') = 'a'",
        "b AND {} ()",
        'n = "{}"(1)',
        "t LIKE {}('a')",
        "{}(DISTINCT n) > 1",
        "{}/**/(1)",
    ],
)
def test_no_function_of_an_engine_is_reached(call, template):
    text = template.format(call)
    with pytest.raises(ExpressionError, match=r"is not part of the SQL|a comment"):
        parse(text, FIELDS)


_OPENERS = "( CASE NOT - + [ { ABS( COALESCE(n, b/ n/( (SELECT 'a \" /* b=( n+ b, CASE(WHEN IN( ."
OPENERS = [*_OPENERS.split(), "CASE WHEN ", "NOT ", "n IN (", "b IS ", "DATE ", "- "]


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize("times", [DEPTH_MAX + 1, 200, 900, 15_000])
def test_depth_is_refused_before_it_hurts(opener, times):
    for ending in ("", "b", " b" + ")" * times, " n END" * times):
        with pytest.raises(ExpressionError):
            parse((opener * times)[: LENGTH_MAX + 1] + ending, FIELDS)


@PATIENT
@given(
    st.recursive(
        st.sampled_from(["n", "b", "t", "1", "'a'", "NULL", "d", "m"]),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(WORDS), inner).map(" ".join),
            inner.map("({})".format),
            st.tuples(st.sampled_from(WORDS), inner).map(lambda both: f"{both[0]}({both[1]})"),
            st.tuples(st.sampled_from(WORDS), inner, inner).map(
                lambda three: f"{three[0]}({three[1]}, {three[2]})"
            ),
            st.tuples(inner, inner, inner).map(
                lambda three: "CASE WHEN {} THEN {} ELSE {} END".format(*three)
            ),
        ),
        max_leaves=12,
    )
)
def test_what_looks_like_an_expression_passes_or_is_refused(text):
    accepted(text)
