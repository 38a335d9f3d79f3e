"""The kit itself: a plugin that breaks exactly one promise fails exactly that check."""

from __future__ import annotations

import sys

import pytest

from spcbench.errors import UnknownNameError
from spcbench.testing import plugin_checks

SLOW = "plugin kit_plugin: leaves global state alone"

PLUGIN = """
from types import SimpleNamespace

import numpy as np

from spcbench.errors import InputError
from spcbench.numeric.limits import Limits
from spcbench.plugin import ChartType, OutputFormat, Pack, Reader, Rule, RuleSet, hookimpl

SPCBENCH_API = 1


def limits(series, options):
    segments = series.segments
    used = series.in_baseline & ~np.isnan(series.value)
    events = segments.sums(np.where(used, series.numerator, 0.0))
    cases = segments.sums(np.where(used, series.denominator, 0.0))
    centre = segments.spread(events / cases)
    sigma = np.sqrt(centre * (1 - centre) / series.denominator)
    width = options.sigma * sigma
    return Limits(
        centre=centre,
        sigma=sigma,
        lcl=centre - width,
        ucl=centre + width,
        lower_warning=centre - width * 2 / 3,
        upper_warning=centre + width * 2 / 3,
        z=(series.value - centre) / sigma,
        method=np.zeros(segments.size, dtype=np.int8),
    )


def beyond(value, z, side, segments):
    return np.abs(z) > 3


def rising(value, z, side, segments):
    up = np.diff(value, prepend=np.nan) > 0
    up[segments.starts] = False
    return up


def sniff(head, path):
    return path.suffix == ".lines"


def read(path):
    if not path.exists():
        raise InputError(f"there is no file {path.name}")


@hookimpl
def spcbench_charts():
    yield ChartType(id="mine", title="Mine", source="", limits=limits,
                    uses_denominator=True, uses_order=False)


@hookimpl
def spcbench_rule_sets():
    yield RuleSet(id="mine-2024", title="Mine", source="", rules=(
        Rule(id="beyond", title="Beyond", detect=beyond),
        Rule(id="rising", title="Rising", detect=rising, judged_by="direction"),
    ))


@hookimpl
def spcbench_readers():
    yield Reader(id="lines", title="Lines", suffixes=(".lines",), sniff=sniff, read=read)
"""

BROKEN = {
    "chart mine: gives one value a point": (
        "sigma=sigma,",
        "sigma=np.where(segments.breaks, np.nan, sigma),",
        "sigma is not a number on a row that has data",
    ),
    "chart mine: encloses the centre": (
        "lcl=centre - width,\n        ucl=centre + width,",
        "lcl=centre + width,\n        ucl=centre + 3 * width,",
        "lcl lies above the centre line",
    ),
    "chart mine: widens with sigma": (
        "width = options.sigma * sigma",
        "width = 3 * sigma",
        "limits at 3 sigma must be wider than at 2 sigma",
    ),
    "chart mine: keeps to its baseline": (
        "used = series.in_baseline & ~np.isnan(series.value)",
        "used = ~np.isnan(series.value)",
        "centre depends on points outside the baseline",
    ),
    "chart mine: writes to no input": (
        "    return Limits(",
        "    series.sd[0] = 0\n    return Limits(",
        "it changed series.sd",
    ),
    "chart mine: gives each segment the same alone": (
        "centre = segments.spread(events / cases)",
        "centre = np.full(segments.size, events.sum() / cases.sum())",
        "centre of a segment depends on the other segments",
    ),
    "rule set mine-2024: gives one flag a point": (
        "return np.abs(z) > 3",
        "return (np.abs(z) > 3).astype(int)",
        "rule 'beyond' must give a boolean array",
    ),
    "rule set mine-2024: is silent on the centre line": (
        "np.diff(value, prepend=np.nan) > 0",
        "np.diff(value, prepend=np.nan) >= 0",
        "rule 'rising' fires on points that lie on the centre line",
    ),
    "rule set mine-2024: flags the same in percent": (
        "return np.abs(z) > 3",
        "return value > 0.6",
        "rule 'beyond' depends on the unit of the values",
    ),
    "rule set mine-2024: does not leak between segments": (
        "up[segments.starts] = False",
        "pass",
        "rule 'rising' looks across the edge of a segment",
    ),
    "rule set mine-2024: writes to no input": (
        "return np.abs(z) > 3",
        "flags = np.abs(z) > 3\n    z[:] = 0\n    return flags",
        "rule 'beyond' changed z",
    ),
    "reader lines: sniffs without opening the file": (
        'return path.suffix == ".lines"',
        "return head",
        "sniff() returned a bytes, wanted True or False",
    ),
    "reader lines: names the missing file": (
        'raise InputError(f"there is no file {path.name}")',
        'raise InputError("there is no such file")',
        "its InputError does not name the missing file no-such-file-for-spcbench.lines: "
        "there is no such file",
    ),
}


def failures(module) -> dict[str, str]:
    """What fails by name, but for the check that starts another interpreter."""
    failed = {}
    for check in plugin_checks(module):
        if str(check) != SLOW:
            try:
                check()
            except AssertionError as error:
                failed[str(check)] = str(error)
    return failed


def test_a_plugin_that_keeps_every_promise_passes(make_plugin):
    module = make_plugin(PLUGIN)

    assert failures(module) == {}
    assert {str(check) for check in plugin_checks(module)} >= {SLOW, *BROKEN}


@pytest.mark.parametrize(("name", "change"), BROKEN.items(), ids=BROKEN)
def test_a_broken_promise_fails_exactly_its_check(make_plugin, name, change):
    old, new, detail = change
    assert PLUGIN.count(old) == 1, "the change must hit one place"

    assert failures(make_plugin(PLUGIN.replace(old, new))) == {name: f"{name}: {detail}"}


@pytest.mark.parametrize(
    ("old", "new", "name", "detail"),
    [
        (
            "centre=centre,",
            "centre=centre[1:],",
            "chart mine: gives one value a point",
            "centre has shape (65,), wanted (66,)",
        ),
        (
            "np.zeros(segments.size",
            "np.full(segments.size, 9",
            "chart mine: gives one value a point",
            "method must hold indices into spcbench.numeric.limits.METHODS",
        ),
        (
            "ucl=centre + width",
            "ucl=centre - width / 2",
            "chart mine: encloses the centre",
            "ucl lies below the centre line",
        ),
        (
            "return np.abs(z) > 3",
            "return (np.abs(z) > 3)[1:]",
            "rule set mine-2024: gives one flag a point",
            "rule 'beyond' gives shape (92,), wanted (93,)",
        ),
        (
            "return np.abs(z) > 3",
            "return ~(np.abs(z) <= 3)",
            "rule set mine-2024: gives one flag a point",
            "rule 'beyond' flags a point that has no data",
        ),
        (
            'title="Beyond", detect=beyond',
            'title="Beyond", detect=beyond, judged_by="chart"',
            "rule set mine-2024: gives one flag a point",
            "rule 'beyond' is judged by the chart and flags only some of its points",
        ),
        (
            'raise InputError(f"there is no file {path.name}")',
            "return None",
            "reader lines: names the missing file",
            "it read a file that does not exist",
        ),
        (
            'raise InputError(f"there is no file {path.name}")',
            "open(path)",
            "reader lines: names the missing file",
            "a missing file must raise InputError, not FileNotFoundError",
        ),
    ],
)
def test_other_ways_to_break_a_promise(make_plugin, old, new, name, detail):
    assert failures(make_plugin(PLUGIN.replace(old, new)))[name] == f"{name}: {detail}"


def test_a_record_that_crashes_fails_with_its_error(make_plugin):
    source = PLUGIN.replace("    return np.abs(z) > 3", "    return z.no_such_attribute")

    failed = failures(make_plugin(source))

    assert failed["rule set mine-2024: writes to no input"] == (
        "rule set mine-2024: writes to no input: it raised AttributeError: "
        "'numpy.ndarray' object has no attribute 'no_such_attribute'"
    )


def test_limits_of_another_type_are_named(make_plugin):
    source = PLUGIN.replace("    return Limits(", "    return dict(")

    assert failures(make_plugin(source))["chart mine: widens with sigma"] == (
        "chart mine: widens with sigma: limits() returned a dict, wanted Limits"
    )


def test_a_chart_without_denominators_is_tried_on_counts(make_plugin):
    source = PLUGIN.replace("uses_denominator=True", "uses_denominator=False")
    source = source.replace("np.where(used, series.denominator, 0.0)", "used.astype(float)")
    source = source.replace(
        "np.sqrt(centre * (1 - centre) / series.denominator)", "np.sqrt(centre)"
    )

    assert failures(make_plugin(source)) == {}


def test_a_plugin_that_offers_nothing_fails_that_check(make_plugin):
    module = make_plugin("SPCBENCH_API = 1")

    assert failures(module) == {
        "plugin kit_plugin: offers something": "plugin kit_plugin: offers something: "
        "no hook of it yields a record; is each marked with @hookimpl and does it return "
        "what it makes?"
    }


def test_a_plugin_that_cannot_be_loaded_has_one_check(make_plugin):
    module = make_plugin("SPCBENCH_API = 2")

    checks = plugin_checks(module)

    assert [str(check) for check in checks] == ["plugin kit_plugin: loads"]
    with pytest.raises(AssertionError) as caught:
        checks[0]()
    assert str(caught.value) == (
        "plugin kit_plugin: loads: it was written for plugin API 2, this spcbench offers 1"
    )


GLOBAL_STATE = {
    "nothing": ("", None),
    "environment": ("import os; os.environ['ZZ'] = '1'", "the environment"),
    "directory": ("import os; os.chdir('/')", "the working directory"),
    "filters": ("import warnings; warnings.simplefilter('ignore')", "the warning filters"),
    "seed": ("import random; random.seed(1)", "the random numbers of Python"),
    "logging": ("import logging; logging.basicConfig()", "the root logger"),
    "two": (
        "import numpy as np, sys; np.random.seed(1); sys.path.append('zz')",
        "sys.path, the random numbers of numpy",
    ),
}


@pytest.mark.parametrize("where", ["at import", "in a hook"])
@pytest.mark.parametrize(("code", "changed"), GLOBAL_STATE.values(), ids=GLOBAL_STATE)
def test_global_state_is_watched(make_plugin, tmp_path, where, code, changed):
    guarded = f"if __name__ in {{'kit_plugin'}} and CHILD:\n    {code or 'pass'}"
    hook = f"    if CHILD:\n        {code or 'pass'}\n    return ()"
    # Only the fresh interpreter of the check may run the code: it would change this one too.
    source = (
        "import sys\nSPCBENCH_API = 1\nfrom spcbench.plugin import hookimpl\n"
        "CHILD = 'pytest' not in sys.modules\n"
        + (guarded if where == "at import" else f"@hookimpl\ndef spcbench_packs():\n{hook}\n")
    )
    check = next(check for check in plugin_checks(make_plugin(source)) if str(check) == SLOW)

    if changed is None:
        check()
    else:
        with pytest.raises(AssertionError) as caught:
            check()
        assert str(caught.value) == f"{SLOW}: it changed {changed}"


def test_a_plugin_that_only_loads_here_is_told(make_plugin):
    source = "import sys\nSPCBENCH_API = 1\nassert 'pytest' in sys.modules, 'no tests here'\n"
    check = next(check for check in plugin_checks(make_plugin(source)) if str(check) == SLOW)

    with pytest.raises(AssertionError) as caught:
        check()

    assert str(caught.value) == (
        f"{SLOW}: in a fresh interpreter it could not be loaded: AssertionError: no tests here"
    )


def test_an_unknown_plugin_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match="there is no plugin 'chart'; did you mean 'charts'"):
        plugin_checks("chart")


def test_a_built_in_is_found_by_name():
    names = {str(check) for check in plugin_checks("charts")}

    assert {"plugin charts: loads", "chart p: keeps to its baseline"} <= names


@pytest.mark.parametrize("name", ["charts", "rule_sets", "readers", "formats"])
def test_the_built_ins_keep_every_promise(name):
    for check in plugin_checks(name):
        check()


def test_a_disabled_plugin_is_told(make_plugin, tmp_path, monkeypatch):
    make_plugin("SPCBENCH_API = 1", "zz_disabled")
    info = tmp_path / "zz_disabled-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zz-disabled\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[spcbench]\nzz-disabled = zz_disabled\n")
    monkeypatch.setenv("SPCBENCH_DISABLE_PLUGINS", "zz-disabled")

    (check,) = plugin_checks("zz-disabled")

    with pytest.raises(AssertionError, match="it is disabled by SPCBENCH_DISABLE_PLUGINS"):
        check()
    assert "zz_disabled" in sys.modules
