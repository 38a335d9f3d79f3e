"""Every fault a plugin can have, found in real dist-info folders on `sys.path`."""

from __future__ import annotations

import sys

import click
import pytest

from spcbench.errors import PluginError
from spcbench.plugin import PluginHost, PluginInfo
from spcbench.plugin.admission import KINDS, admit, new_manager
from spcbench.plugin.candidates import Candidate
from spcbench.plugin.hookspecs import API_VERSION

ONE_PACK = """
@hookimpl
def spcbench_packs():
    yield pack("PACK")
"""
NO_HEADER = "from spcbench.plugin import hookimpl\n"


def host_of(**options) -> PluginHost:
    return PluginHost(**{"builtins": (), "disabled": (), "strict": False} | options)


def plugin(host: PluginHost, name: str, distribution: str | None = None) -> PluginInfo:
    found = [
        info
        for info in host.plugins()
        if info.name == name and distribution in (None, info.distribution)
    ]
    assert len(found) == 1, found
    return found[0]


def pack_ids(host: PluginHost) -> list[str]:
    return [one.record.id for one in host.packs() if one.plugin.startswith("zz")]


def test_a_sound_plugin_is_active_and_says_what_it_provides(install):
    install(
        "zz",
        """
        import click

        @hookimpl
        def spcbench_packs():
            yield pack("audit", "2023")
            yield pack("audit", "2024")

        @hookimpl
        def spcbench_readers():
            return [reader("lines")]

        @hookimpl
        def spcbench_charts():
            return (chart("mine"),)

        @hookimpl
        def spcbench_rule_sets():
            return [rule_set("mine-2024")]

        @hookimpl
        def spcbench_formats():
            return [output("page")]

        @hookimpl
        def spcbench_commands():
            return [click.Command("hello")]
        """,
    )

    info = plugin(host_of(), "zz")

    assert (info.distribution, info.version, info.status) == ("spcbench-zz", "1.5", "active")
    assert info.problem == ""
    assert dict(info.provides) == {
        "packs": ("audit@2023", "audit@2024"),
        "readers": ("lines",),
        "charts": ("mine",),
        "rule_sets": ("mine-2024",),
        "formats": ("page",),
        "commands": ("hello",),
    }


def test_a_plugin_may_offer_nothing(install):
    install(
        "zz",
        """
        @hookimpl
        def spcbench_packs():
            return ()
        """,
    )

    info = plugin(host_of(), "zz")

    assert (info.status, dict(info.provides)) == ("active", {})


FAULTS = {
    "import error": (
        "import no_such_module_here",
        "ModuleNotFoundError: No module named 'no_such_module_here'",
    ),
    "syntax error": ("def (", "SyntaxError: invalid syntax (plugin_zz_module.py, line 2)"),
    "exit at import": ("raise SystemExit(3)", "SystemExit: 3"),
    "exit without a word": ("raise SystemExit", "SystemExit"),
    "no API version": (
        "",
        "it declares no SPCBENCH_API, this spcbench offers 1; write SPCBENCH_API = 1 in its module",
    ),
    "later API version": (
        "SPCBENCH_API = 2",
        "it was written for plugin API 2, this spcbench offers 1",
    ),
    "API version that only compares equal": (
        "SPCBENCH_API = True",
        "it was written for plugin API True, this spcbench offers 1",
    ),
    "unknown hook": (
        """
SPCBENCH_API = 1
@hookimpl
def spcbench_pakcs():
    return ()
""",
        "spcbench has no hook called 'spcbench_pakcs'; it has spcbench_packs, spcbench_readers, "
        "spcbench_charts, spcbench_rule_sets, spcbench_formats, spcbench_commands",
    ),
    "wrapper": (
        """
SPCBENCH_API = 1
@hookimpl(wrapper=True)
def spcbench_packs():
    return (yield)
""",
        "its spcbench_packs is a wrapper; a plugin may add to spcbench "
        "but never stand between it and another plugin",
    ),
    "old-style wrapper": (
        """
SPCBENCH_API = 1
@hookimpl(hookwrapper=True)
def spcbench_packs():
    yield
""",
        "its spcbench_packs is a wrapper; a plugin may add to spcbench "
        "but never stand between it and another plugin",
    ),
    "None returned": (
        """
SPCBENCH_API = 1
@hookimpl
def spcbench_packs():
    pass
""",
        "spcbench_packs: it returned None, wanted an iterable of records",
    ),
    "number returned": (
        """
SPCBENCH_API = 1
@hookimpl
def spcbench_packs():
    return 7
""",
        "spcbench_packs: it returned a int, wanted an iterable of records",
    ),
    "wrong type": (
        """
SPCBENCH_API = 1
@hookimpl
def spcbench_charts():
    return ["p"]
""",
        "spcbench_charts returned a str, wanted ChartType records only",
    ),
    "command that is a function": (
        """
SPCBENCH_API = 1
@hookimpl
def spcbench_commands():
    return [print]
""",
        "spcbench_commands returned a builtin_function_or_method, wanted Command records only",
    ),
    "command with a name of its own kind": (
        """
SPCBENCH_API = 1
@hookimpl
def spcbench_commands():
    import click
    return [click.Command("Say Hello")]
""",
        "command 'Say Hello' must match [a-z][a-z0-9_-]*",
    ),
    "error in the hook": (
        """
SPCBENCH_API = 1
@hookimpl
def spcbench_packs():
    raise ValueError("first line\\n  second line")
""",
        "ValueError: first line second line",
    ),
    "error half way through": (
        """
SPCBENCH_API = 1
from spcbench.plugin import OutputFormat
@hookimpl
def spcbench_formats():
    yield OutputFormat(id="a", title="", suffix=".a", media_type="", render=print)
    raise SystemExit
""",
        "SystemExit",
    ),
    "record that is not valid": (
        """
SPCBENCH_API = 1
from spcbench.plugin import OutputFormat
@hookimpl
def spcbench_formats():
    yield OutputFormat(id="Page", title="", suffix=".a", media_type="", render=print)
""",
        "format id 'Page' must match [a-z][a-z0-9_-]*",
    ),
    "duplicate id": (
        """
SPCBENCH_API = 1
from spcbench.plugin import OutputFormat
@hookimpl
def spcbench_formats():
    for suffix in (".a", ".b"):
        yield OutputFormat(id="a", title="", suffix=suffix, media_type="", render=print)
""",
        "spcbench_formats returned 'a' twice",
    ),
}


@pytest.mark.parametrize(("source", "problem"), FAULTS.values(), ids=FAULTS)
def test_a_fault_costs_one_line_and_leaves_nothing_behind(install, source, problem):
    install("zz", source, header=NO_HEADER)
    install("zz-sound", ONE_PACK.replace("PACK", "sound"))
    host = host_of()

    info = plugin(host, "zz")

    assert (info.status, info.problem, dict(info.provides)) == ("failed", problem, {})
    assert f"plugin 'zz' (spcbench-zz 1.5) was not loaded: {problem}" in host.warnings()
    assert not [one for kind in KINDS for one in getattr(host, kind.plural)() if one.plugin == "zz"]
    assert pack_ids(host) == ["sound"]


def test_a_hook_that_asks_for_an_argument_is_refused(install):
    install(
        "zz",
        """
        @hookimpl
        def spcbench_packs(config):
            return ()
        """,
    )

    assert "Argument(s) {'config'}" in plugin(host_of(), "zz").problem
    assert "\n" not in plugin(host_of(), "zz").problem


def test_an_optional_hook_of_a_later_version_is_let_through(install):
    install(
        "zz",
        """
        @hookimpl(optionalhook=True)
        def spcbench_from_the_future():
            return None
        """
        + ONE_PACK.replace("PACK", "audit").replace("\n", "\n        "),
    )

    assert plugin(host_of(), "zz").status == "active"


def test_a_pack_twice_in_one_version_is_a_duplicate(install):
    install(
        "zz",
        """
        @hookimpl
        def spcbench_packs():
            return [pack("audit", "2023"), pack("audit", "2023")]
        """,
    )

    assert plugin(host_of(), "zz").problem == "spcbench_packs returned 'audit@2023' twice"


@pytest.mark.parametrize(("source", "problem"), FAULTS.values(), ids=FAULTS)
def test_a_failed_plugin_is_registered_nowhere(write_module, source, problem):
    write_module("plugin_zz_module", source, header=NO_HEADER)
    manager = new_manager()

    with pytest.raises((Exception, SystemExit)):
        admit(manager, candidate("zz", "plugin_zz_module"))

    assert manager.get_plugins() == set()
    assert [len(getattr(manager.hook, kind.hook).get_hookimpls()) for kind in KINDS] == [0] * 6


def candidate(name: str, module: str) -> Candidate:
    return Candidate(name, f"spcbench-{name}", "1", module, lambda: __import__(module))


def test_an_innocent_namesake_stays_registered(write_module):
    write_module("first_zz", ONE_PACK.replace("PACK", "audit"))
    write_module("second_zz", ONE_PACK.replace("PACK", "other"))
    manager = new_manager()
    admit(manager, candidate("zz", "first_zz"))

    with pytest.raises(ValueError, match="already registered"):
        admit(manager, candidate("zz", "second_zz"))

    assert manager.get_plugin("zz") is sys.modules["first_zz"]
    assert len(manager.hook.spcbench_packs.get_hookimpls()) == 1


def test_one_module_under_two_names_counts_once(install):
    install("zz-a", ONE_PACK.replace("PACK", "audit"), module="shared_zz")
    install("zz-b", ONE_PACK.replace("PACK", "audit"), module="shared_zz")
    host = host_of()

    assert plugin(host, "zz-a").status == "active"
    assert plugin(host, "zz-b").problem == "its module is already loaded as plugin 'zz-a'"
    assert pack_ids(host) == ["audit"]


def test_two_plugins_of_one_name_are_both_refused(install):
    for trust in "ab":
        install(
            "zz",
            ONE_PACK.replace("PACK", f"audit-{trust}"),
            distribution=f"spcbench-trust-{trust}",
            module=f"zz_{trust}",
        )
    host = host_of()

    problems = [plugin(host, "zz", f"spcbench-trust-{trust}").problem for trust in "ab"]

    assert problems == [
        "the name 'zz' is also claimed by spcbench-trust-b",
        "the name 'zz' is also claimed by spcbench-trust-a",
    ]
    assert pack_ids(host) == []
    assert not {"zz_a", "zz_b"} & set(sys.modules), "refused plugins must not be imported"


@pytest.mark.parametrize("disabled", ["spcbench-trust-a", "Spcbench_Trust.A"])
def test_disabling_one_rival_by_its_distribution_frees_the_name(install, disabled):
    for trust in "ab":
        install(
            "zz",
            ONE_PACK.replace("PACK", f"audit-{trust}"),
            distribution=f"spcbench-trust-{trust}",
            module=f"zz_{trust}",
        )
    host = host_of(disabled=[disabled])

    assert plugin(host, "zz", "spcbench-trust-a").status == "disabled"
    assert plugin(host, "zz", "spcbench-trust-b").status == "active"
    assert pack_ids(host) == ["audit-b"]
    assert "zz_a" not in sys.modules


def test_the_name_of_a_built_in_refuses_the_newcomer_only(install, write_module):
    write_module("zz_builtin", ONE_PACK.replace("PACK", "ours"))
    install("zz_builtin", ONE_PACK.replace("PACK", "theirs"), module="newcomer_zz")
    host = host_of(builtins=("zz_builtin",))

    assert plugin(host, "zz_builtin", "spcbench").status == "builtin"
    newcomer = plugin(host, "zz_builtin", "spcbench-zz_builtin")
    assert newcomer.status == "failed"
    assert newcomer.problem == "the name 'zz_builtin' is also claimed by spcbench"
    assert pack_ids(host) == ["ours"]


def test_a_name_that_could_not_be_spelled_is_refused(install):
    install("zZ", "", module="zz_capital")

    assert plugin(host_of(), "zZ").problem == "the name 'zZ' must match [a-z][a-z0-9_-]*"


def test_one_pack_from_two_plugins_refuses_both(install):
    install("zz-a", ONE_PACK.replace("PACK", "audit"))
    install("zz-b", ONE_PACK.replace("PACK", "audit"))
    install("zz-c", ONE_PACK.replace("PACK", "other"))
    host = host_of()

    assert plugin(host, "zz-a").problem == "the pack 'audit' is also offered by spcbench-zz-b"
    assert plugin(host, "zz-b").problem == "the pack 'audit' is also offered by spcbench-zz-a"
    assert plugin(host, "zz-a").provides == {}
    assert pack_ids(host) == ["other"]


def test_one_pack_from_three_plugins_names_the_other_two(install):
    for letter in "abc":
        install(f"zz-{letter}", ONE_PACK.replace("PACK", "audit"))

    assert (
        plugin(host_of(), "zz-b").problem
        == "the pack 'audit' is also offered by spcbench-zz-a and spcbench-zz-c"
    )


def test_disabling_one_rival_frees_the_pack(install):
    install("zz-a", ONE_PACK.replace("PACK", "audit"))
    install("zz-b", ONE_PACK.replace("PACK", "audit"))
    host = host_of(disabled=["zz-b"])

    assert plugin(host, "zz-a").status == "active"
    assert [one.plugin for one in host.packs() if one.id == "audit@2023"] == ["zz-a"]


def test_a_built_in_keeps_its_pack(install, write_module):
    write_module("zz_builtin", ONE_PACK.replace("PACK", "audit"))
    install("zz-new", ONE_PACK.replace("PACK", "audit"))
    host = host_of(builtins=("zz_builtin",))

    assert plugin(host, "zz_builtin").status == "builtin"
    assert plugin(host, "zz-new").problem == "the pack 'audit' is also offered by spcbench"


def test_a_disabled_plugin_is_listed_and_never_imported(install):
    install("zz", "raise RuntimeError('imported')", header="")
    host = host_of(disabled=["zz"])

    info = plugin(host, "zz")

    assert (info.status, info.problem, dict(info.provides)) == ("disabled", "", {})
    assert "plugin_zz_module" not in sys.modules
    assert not [line for line in host.warnings() if "zz" in line]


def test_all_disables_everything_but_the_built_ins(install, write_module):
    write_module("zz_builtin", ONE_PACK.replace("PACK", "ours"))
    install("zz", ONE_PACK.replace("PACK", "theirs"))
    host = host_of(builtins=("zz_builtin",), disabled=["all"])

    assert {info.status for info in host.plugins()} == {"builtin", "disabled"}
    assert [one.id for one in host.packs()] == ["ours@2023"]
    assert host.warnings() == ()


def test_disabling_what_is_not_there_warns_with_a_near_match(install):
    install("zz-audit", ONE_PACK.replace("PACK", "audit"))
    host = host_of(disabled=["zz-adit"])

    warning = next(line for line in host.warnings() if "zz-adit" in line)

    assert warning.startswith(
        "cannot disable 'zz-adit': no installed plugin or distribution has that name; "
        "did you mean 'zz-audit'? Known: "
    )
    assert plugin(host, "zz-audit").status == "active"


def test_a_built_in_cannot_be_disabled(write_module):
    write_module("zz_builtin", ONE_PACK.replace("PACK", "ours"))
    host = host_of(builtins=("zz_builtin",), discover=False, disabled=["zz_builtin"])

    assert plugin(host, "zz_builtin").status == "builtin"
    assert host.warnings() == (
        "cannot disable 'zz_builtin': no installed plugin or distribution has that name; "
        "none is known here",
    )


def test_the_environment_disables(install, monkeypatch):
    install("zz", ONE_PACK.replace("PACK", "audit"))
    monkeypatch.setenv("SPCBENCH_DISABLE_PLUGINS", " zz , ,zz-nowhere")

    host = host_of(disabled=None)

    assert plugin(host, "zz").status == "disabled"
    assert [line.split(":")[0] for line in host.warnings() if "cannot" in line] == [
        "cannot disable 'zz-nowhere'"
    ]


def test_strict_raises_the_plugin_s_own_error(install):
    install("zz", "import no_such_module_here", header="")

    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_module_here'"):
        host_of(strict=True).plugins()


def test_strict_raises_an_exit_too(install):
    install("zz", "raise SystemExit(3)", header="")

    with pytest.raises(SystemExit):
        host_of(strict=True).plugins()


def test_strict_raises_clashes(install):
    install("zz-a", ONE_PACK.replace("PACK", "audit"))
    install("zz-b", ONE_PACK.replace("PACK", "audit"))

    with pytest.raises(PluginError, match="the pack 'audit' is also offered by spcbench-zz-b"):
        host_of(strict=True).plugins()


@pytest.mark.parametrize(("value", "raises"), [("1", True), ("0", False), ("", False)])
def test_the_environment_chooses_strictness(install, monkeypatch, value, raises):
    install("zz", "import no_such_module_here", header="")
    monkeypatch.setenv("SPCBENCH_STRICT_PLUGINS", value)
    host = host_of(strict=None)

    if raises:
        with pytest.raises(ModuleNotFoundError):
            host.plugins()
    else:
        assert plugin(host, "zz").status == "failed"


def test_an_interrupt_is_never_swallowed(install):
    install("zz", "raise KeyboardInterrupt", header="")

    with pytest.raises(KeyboardInterrupt):
        host_of().plugins()


def test_plugins_come_built_ins_first_and_then_by_name(install, write_module):
    write_module("zz_zebra", "")
    install("zz-b")
    install("zz-a")
    host = host_of(builtins=("zz_zebra",))

    names = [info.name for info in host.plugins() if info.name.startswith("zz")]

    assert names == ["zz_zebra", "zz-a", "zz-b"]


def test_hooks_run_once_and_on_first_need(install):
    install(
        "zz",
        """
        calls = []

        @hookimpl
        def spcbench_packs():
            calls.append(1)
            return [pack("audit")]
        """,
    )
    host = host_of()
    assert "plugin_zz_module" not in sys.modules

    host.plugins(), host.packs(), host.pack("audit"), host.charts()

    assert sys.modules["plugin_zz_module"].calls == [1]


def test_a_missing_built_in_is_a_failed_plugin_and_no_crash():
    host = host_of(builtins=("spcbench.builtin.no_such_room",), discover=False)

    assert host.warnings() == (
        f"plugin 'no_such_room' (spcbench {host.plugins()[0].version}) was not loaded: "
        "ModuleNotFoundError: No module named 'spcbench.builtin.no_such_room'",
    )


def test_commands_keep_their_plugin(install):
    install(
        "zz",
        """
        @hookimpl
        def spcbench_commands():
            import click
            yield click.Command("zz-hello")
        """,
    )

    command = next(one for one in host_of().commands() if one.plugin == "zz")

    assert command.full_name == "zz:zz-hello"
    assert isinstance(command.record, click.Command)


def test_the_contract_is_version_one():
    assert API_VERSION == 1
