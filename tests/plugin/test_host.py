from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from spcbench.errors import (
    AmbiguousNameError,
    InputError,
    OptionError,
    PluginError,
    UnknownNameError,
)
from spcbench.plugin import OutputFormat, PluginHost, default_host
from spcbench.plugin.host import BUILTINS

FORMATS = """
@hookimpl
def spcbench_formats():
    return [output("page", ".page"), output("rich", ".rich.page")]
"""


def offline(*builtins: str) -> PluginHost:
    return PluginHost(builtins=builtins, discover=False, disabled=(), strict=True)


@pytest.fixture
def host(write_module):
    write_module(
        "zz_ours",
        """
        @hookimpl
        def spcbench_packs():
            yield pack("pop", "2023", ["mgso4", "ocm"])
            yield pack("pop", "2024", ["mgso4"])

        @hookimpl
        def spcbench_charts():
            yield chart("p")

        @hookimpl
        def spcbench_rule_sets():
            yield rule_set("mdc-2023-11")

        @hookimpl
        def spcbench_readers():
            yield reader("csv")

        @hookimpl
        def spcbench_formats():
            yield output("page", ".page")
            yield output("rich", ".rich.page")
        """,
    )
    return offline("zz_ours")


def test_each_kind_is_found_by_its_id_and_by_plugin_and_id(host):
    assert host.chart("p") is host.chart("zz_ours:p") is host.charts()[0].record
    assert host.rule_set("mdc-2023-11") is host.rule_sets()[0].record
    assert host.reader("csv") is host.reader("zz_ours:csv") is host.readers()[0].record
    assert host.format("rich") is host.format("zz_ours:rich") is host.formats()[1].record
    assert host.pack("pop") is host.packs()[1].record
    assert host.measure("mgso4") == (host.pack("pop@2024"), host.pack("pop").measures[0])


def test_a_listing_says_whose_each_record_is(host):
    one = host.charts()[0]

    assert (one.id, one.plugin, one.builtin, one.full_name) == ("p", "zz_ours", True, "zz_ours:p")


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        ("chart", "there is no chart 'x'; Known: p"),
        ("rule_set", "there is no rule set 'x'; Known: mdc-2023-11"),
        ("reader", "there is no reader 'x'; Known: csv"),
        ("format", "there is no format 'x'; Known: page, rich"),
        ("pack", "there is no pack 'x'; Known: pop"),
        ("measure", "there is no measure 'x'; Known: mgso4, ocm"),
    ],
)
def test_an_unknown_name_says_what_there_is(host, ask, message):
    with pytest.raises(UnknownNameError) as caught:
        getattr(host, ask)("x")

    assert str(caught.value) == message


def test_an_unknown_name_recalls_the_plugins_that_were_refused(install):
    install("zz", "import no_such_module_here", header="")

    with pytest.raises(UnknownNameError) as caught:
        PluginHost(builtins=(), disabled=(), strict=False).pack("zz")

    assert (
        "plugin 'zz' (spcbench-zz 1.5) was not loaded: "
        "ModuleNotFoundError: No module named 'no_such_module_here'"
    ) in caught.value.__notes__


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("board.page", "page"),
        (Path("somewhere") / "BOARD.PAGE", "page"),
        ("board.rich.page", "rich"),
        ("board.2024.page", "page"),
    ],
)
def test_the_longest_ending_of_a_name_chooses_the_format(host, path, expected):
    assert host.format_for_suffix(path).id == expected


def test_an_ending_that_nothing_writes_lists_those_that_something_does(host):
    with pytest.raises(UnknownNameError) as caught:
        host.format_for_suffix("board.pag")

    assert str(caught.value) == (
        "there is no format for files ending in '.pag'; "
        "did you mean '.page'? Known: .page, .rich.page"
    )


def test_a_name_without_an_ending_is_refused(host):
    with pytest.raises(OptionError) as caught:
        host.format_for_suffix("folder.page/board")

    assert str(caught.value) == (
        "the name 'board' has no ending that says which format to write; Known: .page, .rich.page"
    )


def test_a_plugin_never_takes_a_built_in_s_ending(host, install):
    install("zz-rival", FORMATS)
    both = PluginHost(builtins=("zz_ours",), disabled=(), strict=False)

    ours = both.format_for_suffix("a.page")

    assert [one.plugin for one in both.formats() if one.record is ours] == ["zz_ours"]


def test_an_ending_of_two_plugins_is_ambiguous(install):
    install("zz-a", FORMATS)
    install("zz-b", FORMATS)

    with pytest.raises(AmbiguousNameError) as caught:
        PluginHost(builtins=(), disabled=(), strict=False).format_for_suffix("a.page")

    assert str(caught.value) == (
        "several plugins write files ending in '.page': zz-a:page, zz-b:page; "
        "disable all but one of them with SPCBENCH_DISABLE_PLUGINS"
    )


def test_a_failure_in_use_names_plugin_and_record_and_keeps_the_cause(host):
    with (
        pytest.raises(PluginError) as caught,
        host.using(host.format("rich")),
    ):
        raise KeyError("colour")

    assert str(caught.value) == "format 'rich' of plugin 'zz_ours' failed: KeyError: 'colour'"
    assert isinstance(caught.value.__cause__, KeyError)


def test_an_exit_in_use_is_a_failure(host):
    with (
        pytest.raises(PluginError, match="'zz_ours' failed: SystemExit: 3"),
        host.using(host.reader("csv")),
    ):
        raise SystemExit(3)


def test_our_own_errors_pass_unchanged(host):
    error = InputError("row 3 is wrong")

    with pytest.raises(InputError) as caught, host.using(host.reader("csv")):
        raise error

    assert caught.value is error


def test_a_record_of_no_plugin_is_named_by_itself(host):
    page = OutputFormat(id="own", title="", suffix=".own", media_type="", render=print)

    with (
        pytest.raises(PluginError, match=r"^format 'own' failed: ValueError: no$"),
        host.using(page),
    ):
        raise ValueError("no")


def test_a_module_can_be_taken_as_it_is(write_module):
    write_module("zz_given", FORMATS)
    host = PluginHost.of(__import__("zz_given"), builtins=())

    assert [(info.name, info.status) for info in host.plugins()] == [("zz_given", "active")]
    assert host.format("page") is host.format("zz_given:page")


def test_a_module_taken_as_it_is_may_fail_quietly(write_module):
    write_module("zz_given", "SPCBENCH_API = 2")
    given = __import__("zz_given")

    with pytest.raises(PluginError, match="written for plugin API 2"):
        PluginHost.of(given, builtins=()).plugins()
    assert PluginHost.of(given, builtins=(), strict=False).warnings() == (
        "plugin 'zz_given' (zz_given) was not loaded: "
        "it was written for plugin API 2, this spcbench offers 1",
    )


def test_the_default_host_is_made_once():
    try:
        assert default_host() is default_host()
        first = default_host()
        default_host.cache_clear()
        assert default_host() is not first
    finally:
        default_host.cache_clear()


def test_the_built_ins_keep_the_contract():
    host = PluginHost(builtins=BUILTINS, discover=False, disabled=(), strict=True)

    assert [info.name for info in host.plugins()] == ["charts", "rule_sets", "readers", "formats"]
    assert host.chart("p").uses_denominator
    assert host.rule_set("mdc-2023-11").rules
    assert host.reader("csv").general
    assert host.format_for_suffix("a.csv").id == "csv"


def test_the_host_loads_nothing_heavy():
    heavy = ["numpy", "pandas", "pyarrow", "duckdb", "scipy", "plotnine", "sqlglot", "click"]
    code = (
        "import sys, spcbench.plugin\n"
        "spcbench.plugin.PluginHost(builtins=(), discover=False).plugins()\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip() == "[]"
