"""Which commands there are, what loads when, and how errors reach the user."""

from __future__ import annotations

import types

import click
import pytest

from spcbench import __version__
from spcbench.cli.program import SECTIONS
from spcbench.plugin import PluginHost, hookimpl

HEAVY = ("pandas", "pyarrow", "duckdb", "matplotlib", "plotnine", "statsmodels", "scipy")
OURS = [name for names in SECTIONS.values() for name in names]


def plugin_of_commands(name, *commands, **attributes):
    module = types.ModuleType(name)
    module.SPCBENCH_API = 1
    module.spcbench_commands = hookimpl(specname="spcbench_commands")(lambda: commands)
    for attribute, value in attributes.items():
        setattr(module, attribute, value)
    return module


@pytest.mark.parametrize(
    "arguments", [["--help"], ["measures"], ["chart", "--help"], ["--version"]]
)
def test_what_only_tells_loads_nothing_heavy(run_alone, arguments):
    code = (
        "import sys\n"
        "from spcbench.cli import main\n"
        "try:\n    main()\n"
        "finally:\n"
        f"    print('LOADED', sorted({{*{HEAVY!r}}} & {{*sys.modules}}), file=sys.stderr)\n"
    )
    done = run_alone(*arguments, code=code)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert done.stderr.splitlines()[-1] == "LOADED []"


def test_version(run):
    assert run("--version").output == f"spcbench {__version__}\n"


def test_help_lists_every_command_in_the_order_of_the_walk(run):
    text = run("--help").output
    places = [text.index(f"\n  {name} ") for name in OURS]
    assert places == sorted(places)
    assert "spcbench demo my-demo" in text
    # A summary that is too long ends in dots.
    assert "..." not in text[places[0] :]


@pytest.mark.parametrize("name", OURS)
def test_every_command_explains_itself_with_an_example(run, name):
    done = run(name, "--help")
    assert done.exit_code == 0
    assert f"\n    spcbench {name}" in done.output.partition("Example")[2]


def test_a_command_that_does_not_exist(run):
    done = run("chrat")
    assert done.exit_code == 2
    assert "there is no command 'chrat'; did you mean 'chart'" in done.stderr


def test_a_plugin_adds_a_command(run):
    @click.command("board-pack")
    @click.pass_obj
    def board_pack(host):
        """Make the board pack."""
        click.echo(f"host knows {len(host.formats())} formats")

    host = PluginHost.of(plugin_of_commands("trust_a", board_pack))
    assert (
        "Added by plugins:\n  board-pack  Make the board pack." in run("--help", host=host).output
    )
    assert run("board-pack", host=host).output == "host knows 5 formats\n"


def test_a_plugin_never_takes_the_name_of_a_command_of_ours(run):
    @click.command("rules")
    def rules():
        """Do something else."""
        click.echo("something else")

    done = run("rules", host=PluginHost.of(plugin_of_commands("trust_a", rules)))
    assert done.output.startswith("mdc-2023-11: ")


def test_two_plugins_with_one_command(run):
    plugins = [plugin_of_commands(name, click.Command("audit")) for name in ("trust_a", "trust_b")]
    host = PluginHost.of(*plugins)
    done = run("audit", host=host)
    assert done.exit_code == 2
    assert done.stderr == (
        "Error: the command 'audit' is offered by trust_a and trust_b; "
        "disable one of them with SPCBENCH_DISABLE_PLUGINS\n"
    )
    assert run("--help", host=host).exit_code == 0


def test_a_failed_plugin_costs_one_line(run):
    old = plugin_of_commands("trust_a", SPCBENCH_API=9)
    done = run("charts", host=PluginHost.of(old, strict=False))
    assert done.exit_code == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("Warning: plugin 'trust_a'")
    assert line.endswith("it was written for plugin API 9, this spcbench offers 1")


def test_an_error_of_a_plugin_command_has_no_traceback(run):
    from spcbench.errors import InputError

    @click.command("audit")
    def audit():
        """Fail."""
        raise InputError("line 3 is wrong")

    done = run("audit", host=PluginHost.of(plugin_of_commands("trust_a", audit)))
    assert (done.exit_code, done.stderr) == (1, "Error: line 3 is wrong\n")


def test_the_program_as_installed(run_alone):
    done = run_alone("chart", "nowhere.csv", "-o", "out.csv")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == (
        "Error: there is no file nowhere.csv; check the name and the folder"
    )
    assert done.stdout == ""


def test_a_name_that_cannot_be_disabled_is_told(run_alone):
    done = run_alone("charts", SPCBENCH_DISABLE_PLUGINS="popp")
    assert done.returncode == 0
    assert done.stderr.startswith("Warning: cannot disable 'popp'")
