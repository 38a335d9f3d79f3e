"""The query that puts cases in order and tells what lies between their events.

Cases of one moment have no order among themselves. Their number decides, never
the order of rows in a file: the events of a moment are spread evenly among its
other cases, so that neither end of the day makes waits of 0 by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from spcbench.measures.query import CountQuery
from spcbench.measures.records_sql import named
from spcbench.measures.tallies import missing_of
from spcbench.measures.wanted import Wanted, named_measures

Event = Literal["met", "not_met"]

_NOT_EVENT, _EVENT, _UNKNOWN = 0, 1, 2

_MOMENTS = f"""
cases AS (
    SELECT unit, moment, unnest(range(len(codes))) AS measure, unnest(codes) AS code FROM coded
),
moments AS (
    SELECT measure, unit, moment,
        count(*) FILTER (code = {_NOT_EVENT}) AS others,
        count(*) FILTER (code = {_EVENT}) AS events,
        count(*) FILTER (code = {_UNKNOWN}) AS unknown
    FROM cases WHERE code IS NOT NULL GROUP BY measure, unit, moment
)"""
"""How many cases of each kind each measure has at each unit and moment."""

_WAITS = """
running AS (
    SELECT *,
        sum(others) OVER earlier - others AS others_before,
        sum(unknown) OVER earlier AS unknown_so_far
    FROM moments WINDOW earlier AS (PARTITION BY measure, unit ORDER BY moment)
),
events AS (
    SELECT measure, unit, moment, unnest(range(1, events + 1)) AS place,
        others_before + (place * others) // (events + 1) AS others_so_far, unknown_so_far
    FROM running WHERE events > 0
),
ends AS (
    SELECT measure, unit, min(moment) AS begun, max(moment) AS moment,
        sum(others) AS others_so_far, sum(unknown) AS unknown_so_far,
        bool_or(moment <> CAST(moment AS DATE)) AS timed
    FROM moments GROUP BY measure, unit
),
marks AS (
    SELECT *, 0 AS ending FROM events
    UNION ALL
    SELECT measure, unit, moment, 0 AS place, others_so_far, unknown_so_far, 1 AS ending FROM ends
),
told AS (
    SELECT *,
        lag(moment) OVER earlier AS moment_before,
        coalesce(lag(others_so_far) OVER earlier, 0) AS others_already,
        coalesce(lag(unknown_so_far) OVER earlier, 0) AS unknown_already,
        row_number() OVER (
            PARTITION BY measure, unit, CAST(moment AS DATE) ORDER BY ending, moment, place
        ) AS sequence
    FROM marks WINDOW earlier AS (PARTITION BY measure, unit ORDER BY ending, moment, place)
)
SELECT measure, unit, CAST(told.moment AS DATE) AS period,
    sequence, ending = 1 AS ending, moment_before IS NULL AS first,
    CAST(told.others_so_far - others_already AS BIGINT) AS cases,
    CAST(told.unknown_so_far - unknown_already AS BIGINT) AS unknown,
    CAST(told.moment AS DATE) - CAST(coalesce(moment_before, begun) AS DATE) AS days,
    (epoch_us(told.moment) - epoch_us(coalesce(moment_before, begun))) / 3600000000.0 AS hours,
    timed
FROM told JOIN ends USING (measure, unit)
ORDER BY measure, unit, ending, told.moment, place"""
"""One row an event, and one for the wait that has not ended."""

_EVERY_CASE = """
placed_cases AS (
    SELECT *, unnest(range(1, others + events + unknown + 1)) AS place FROM moments
),
counted AS (
    SELECT *, place > others + events AS unsure,
        ((place + 1) * (events + 1) + others + events) // (others + events + 1)
        - (place * (events + 1) + others + events) // (others + events + 1) AS event
    FROM placed_cases
)
SELECT measure, unit, CAST(moment AS DATE) AS period, unsure,
    row_number() OVER (
        PARTITION BY measure, unit, CAST(moment AS DATE) ORDER BY moment, place
    ) AS sequence,
    CAST(CASE WHEN unsure THEN 0 ELSE event END AS BIGINT) AS event
FROM counted ORDER BY measure, unit, moment, place"""
"""One row a case."""


def waits_sql(query: CountQuery, wanted: Sequence[Wanted], relation: str, event: Event) -> str:
    """One row per event of a measure and unit, and one for the wait that has not ended.

    Parameters
    ----------
    query : CountQuery
        Whose steps say what each record is to each measure.
    wanted : sequence of Wanted
        As given to `query`; no measure may take records together.
    relation : str
        The SQL to scan the records.
    event : str
        What an event is: ``"met"`` or ``"not_met"``.

    Returns
    -------
    str
        SQL of DuckDB. `measure` is the place in `named_measures`; `cases`,
        `unknown` (their outcome), `days` and `hours` lie since the event before,
        or since the first case where the row is `first`; `timed` says whether
        any case has a time of day.
    """
    return f"WITH {_moments(query, wanted, relation, event)},{_WAITS}"


def every_case_sql(query: CountQuery, wanted: Sequence[Wanted], relation: str, event: Event) -> str:
    """One row per case of a measure and unit, in order; parameters as of `waits_sql`.

    Returns
    -------
    str
        SQL of DuckDB; `event` is 0 or 1, and 0 where the outcome is `unsure`.
    """
    return f"WITH {_moments(query, wanted, relation, event)},{_EVERY_CASE}"


def _moments(query: CountQuery, wanted: Sequence[Wanted], relation: str, event: Event) -> str:
    codes = ", ".join(
        _code(name, event, missing_of(measure)) for _, name, measure in named_measures(wanted)
    )
    return (
        f"{query.steps(relation)}, "
        f"coded AS (SELECT at_unit AS unit, day AS moment, [{codes}] AS codes FROM judged),"
        f"{_MOMENTS}"
    )


def _code(name: str, event: Event, missing: str) -> str:
    """What a record is to a measure: an event, a case without one, unsure; null if no case."""
    unknown = {
        "not_met": _EVENT if event == "not_met" else _NOT_EVENT,
        "reject_record": "NULL",
    }.get(missing, _UNKNOWN)
    met = named(f"{name}.met")
    return (
        f"CAST(CASE WHEN {named(f'{name}.eligible')} THEN CASE "
        f"WHEN {met} IS NULL THEN {unknown} "
        f"WHEN {met} THEN {_EVENT if event == 'met' else _NOT_EVENT} "
        f"ELSE {_NOT_EVENT if event == 'met' else _EVENT} END END AS TINYINT)"
    )
