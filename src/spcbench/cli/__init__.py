"""The command line: one module per command, each of which parses, calls and prints."""

from spcbench.cli.program import main

__all__ = ["main"]
