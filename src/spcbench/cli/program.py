"""The program `spcbench`: which commands there are, and how errors reach the user.

Nothing heavy is imported here or at the head of any command's module, so that
help appears at once.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import click

from spcbench import __version__
from spcbench.errors import AmbiguousNameError, OptionError, SpcbenchError, suggest
from spcbench.plugin.host import PluginHost, default_host

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "From records to reports, in this order": (
        "demo",
        "validate",
        "count",
        "events",
        "expected",
        "standardise",
        "roll-up",
        "chart",
        "steps",
        "funnel",
        "report",
    ),
    "What spcbench and its plugins know": (
        "measures",
        "rules",
        "charts",
        "formats",
        "readers",
        "plugins",
    ),
}


class Failure(click.ClickException):
    """An error in the data or a plugin, told in one line and without a traceback."""

    exit_code = 1


class Misuse(Failure):
    """A wrong option, which ends like the errors that click finds itself."""

    exit_code = 2


class Program(click.Group):
    """Our own commands, each imported when it is needed, and those of plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Our commands in the order of the walk, then those of plugins by name."""
        return [*_own_commands(), *sorted(_plugin_commands(ctx))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of our own, else a plugin's: a plugin never takes a name of ours."""
        if cmd_name in _own_commands():
            module = import_module(f"spcbench.cli.{cmd_name.replace('-', '_')}_command")
            command: click.Command = module.command
            return command
        offered = _plugin_commands(ctx).get(cmd_name, [])
        if len(offered) > 1:
            plugins = " and ".join(plugin for plugin, _ in offered)
            raise AmbiguousNameError(
                f"the command {cmd_name!r} is offered by {plugins}; "
                "disable one of them with SPCBENCH_DISABLE_PLUGINS"
            )
        return offered[0][1] if offered else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the ones that come near."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            ctx.fail(
                f"there is no command {args[0]!r}; {suggest(args[0], self.list_commands(ctx))}"
            )
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; tell of refused plugins, and of our errors in one line."""
        try:
            ctx.obj = _host(ctx)
            for line in ctx.obj.warnings():
                click.echo(f"Warning: {line}", err=True)
            with _told_plainly():
                return super().invoke(ctx)
        except OptionError as error:
            raise Misuse(str(error)) from error
        except SpcbenchError as error:
            raise Failure(str(error)) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands under headings that say what they are for."""
        added = {"Added by plugins": tuple(sorted(_single_plugin_commands(ctx)))}
        for title, names in {**SECTIONS, **added}.items():
            lines = [
                (name, command.get_short_help_str(limit=66))
                for name in names
                if (command := self.get_command(ctx, name)) is not None
            ]
            if lines:
                with formatter.section(title):
                    formatter.write_dl(lines)


@contextmanager
def _told_plainly() -> Iterator[None]:
    """Print what reading warns of in one line, without the place in our code."""
    from spcbench.text_files import InputWarning

    usual = warnings.showwarning

    def tell(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
        if issubclass(category, InputWarning):
            click.echo(f"Warning: {message}", err=True)
        else:
            usual(message, category, *place, **more)

    with warnings.catch_warnings():
        warnings.simplefilter("always", InputWarning)
        warnings.showwarning = tell
        yield


def _own_commands() -> tuple[str, ...]:
    return tuple(name for names in SECTIONS.values() for name in names)


def _host(ctx: click.Context) -> PluginHost:
    return ctx.obj if isinstance(ctx.obj, PluginHost) else default_host()


def _plugin_commands(ctx: click.Context) -> dict[str, list[tuple[str, click.Command]]]:
    """Every command that plugins offer under a name we do not use, with its plugin."""
    found: dict[str, list[tuple[str, click.Command]]] = {}
    for one in _host(ctx).commands():
        if one.id not in _own_commands():
            found.setdefault(one.id, []).append((one.plugin, one.record))
    return found


def _single_plugin_commands(ctx: click.Context) -> list[str]:
    return [name for name, offered in _plugin_commands(ctx).items() if len(offered) == 1]


@click.command(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with `spcbench demo my-demo`: it makes invented birth records and shows "
    "everything that can be done with them. `spcbench COMMAND --help` explains a command.",
)
@click.version_option(__version__, prog_name="spcbench", message="%(prog)s %(version)s")
def main() -> None:
    """Control charts and funnel plots for healthcare.

    Is this change real? Is this trust different from its peers?
    """
