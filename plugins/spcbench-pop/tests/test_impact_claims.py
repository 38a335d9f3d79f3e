"""Every published claim: reproduced with the rounding that was used, or named as not."""

from __future__ import annotations

import pytest

from spcbench_pop.impact import cases_prevented, implied_treated, published_claims
from spcbench_pop.impact.arithmetic import rounded
from spcbench_pop.impact.claims import STATES
from spcbench_pop.impact.facts import unit_cost_of

CLAIMS = {one.id: one for one in published_claims()}


@pytest.mark.parametrize(
    ("treated", "rounding", "published"),
    [
        (14_270, "floor", 385),
        (2_635, "nearest", 71),
        (2_996, "nearest", 81),
        (2_756, "nearest", 74),
        (1_131, "floor", 30),
        (259, "none", 7),
    ],
)
def test_cases_as_published(treated, rounding, published):
    assert cases_prevented(treated, rounding=rounding).cases == published


def test_the_roundings_in_use_do_differ():
    assert cases_prevented(14_270, rounding="nearest").cases == 386
    assert cases_prevented(1_131, rounding="nearest").cases == 31
    assert cases_prevented(2_996, rounding="floor").cases == 80


def test_around_600():
    assert round(cases_prevented(22_000, unit="babies").cases, 1) == 594.6


@pytest.mark.parametrize(
    ("cases", "cost", "millions"), [(48, "0.8m", 38.4), (367, "1.0m", 367), (61, "programme", 61)]
)
def test_values_as_published(cases, cost, millions):
    assert cases * unit_cost_of(cost).pounds == pytest.approx(millions * 1e6)


def test_three_years_make_226():
    assert sum(cases_prevented(n, rounding="nearest").cases for n in (2635, 2996, 2756)) == 226
    assert 226 * unit_cost_of("0.8m").pounds == pytest.approx(180.8e6)
    assert pytest.approx(0.21, abs=0.005) == 48 / 226  # "about a fifth"


def test_lives_in_the_north_east():
    assert [rounded(348 / nnt, "floor") for nnt in (50, 30)] == [6, 11]


def test_30_to_50_cannot_give_55_to_84_and_33_to_50_can():
    def babies(low: int, high: int) -> tuple[int, int]:
        spans = [
            implied_treated(cases, nnt=nnt, rounding="floor")
            for cases, nnt in ((55, high), (84, low))
        ]
        return max(one for one, _ in spans), min(one for _, one in spans)

    assert babies(33, 50) == (2772, 2799)
    assert babies(30, 46) == (2530, 2549)
    fewest, most = babies(30, 50)
    assert fewest > most


def test_282_lives_by_cord_clamping_alone_are_implausible():
    assert implied_treated(282, nnt=33, rounding="floor")[0] == 9306
    assert pytest.approx(0.68, abs=0.005) == 9306 / (6 * 2290)
    assert implied_treated(282, nnt=50, rounding="floor")[0] == 14_100 > 6 * 2290


@pytest.mark.parametrize(
    ("name", "state", "found"),
    [
        ("precept-385", "reproduced", "385"),
        ("precept-2018-19", "reproduced", "71"),
        ("precept-2019-20", "reproduced", "81"),
        ("precept-2020-21", "reproduced", "74"),
        ("north-west-coast-2022", "reproduced", "7"),
        ("uclpartners-30", "reproduced", "30"),
        ("arc-west-600", "approximately", "594.6"),
        ("london-61", "fits", "2,257 to 2,293 women"),
        ("london-61m", "reproduced", "£61m"),
        ("ahsn-38m", "reproduced", "£38.4m"),
        ("ahsn-180m", "approximately", "£180.8m"),
        ("oxford-367m", "reproduced", "£367m"),
        ("uclpartners-25m", "approximately", "£19.5 to 24.9m"),
        ("wessex-5m", "approximately", "£5.1m"),
        ("nenc-6-11", "reproduced", "6 to 11"),
        ("uclpartners-cord", "fits", "2,772 to 2,799 babies"),
        ("ahsn-48", "not_reproducible", ""),
        ("uplift-first", "not_reproducible", ""),
        ("uplift-four-years", "not_reproducible", ""),
        ("benefit-866", "not_reproducible", ""),
        ("benefit-597k", "not_reproducible", ""),
        ("uclpartners-steroids", "not_reproducible", ""),
        ("london-282", "not_reproducible", ""),
    ],
)
def test_each_claim_says_what_became_of_it(name, state, found):
    assert (CLAIMS[name].state, CLAIMS[name].found) == (state, found)
    assert CLAIMS[name].state in STATES


def test_no_claim_is_left_out_of_the_table_above():
    (mark,) = [
        one
        for one in test_each_claim_says_what_became_of_it.pytestmark
        if one.name == "parametrize"
    ]

    assert {row[0] for row in mark.args[1]} == set(CLAIMS)


def test_what_cannot_be_reproduced_says_why():
    for one in CLAIMS.values():
        assert one.published_by
        assert one.why or one.state in ("reproduced", "approximately")


def test_48_cases_are_so_many_women_more():
    assert "1,776 to 1,812 women" in CLAIMS["ahsn-48"].why
    assert implied_treated(48, rounding="floor") == (1776, 1812)


def test_a_claim_that_the_arithmetic_does_not_give_would_be_named():
    from spcbench_pop.impact import claims

    row = {"treated": 37, "counted": "women", "nnt": [37], "rounding": "floor", "published": [2]}

    assert claims._cases(row)["state"] == "not_reproduced"
    assert claims._implied({**row, "nnt": [33, 37], "published": [1, 9]})["state"] == (
        "not_reproduced"
    )
