"""What a plugin changes for everybody else by being loaded.

`checks` runs `tell` in a fresh interpreter, because an import happens only once.
"""

from __future__ import annotations

import decimal
import locale
import logging
import os
import random
import signal
import sys
import warnings
from importlib import import_module
from typing import Any

MARK = "changed: "


def snapshot() -> dict[str, Any]:
    """Describe what all code in a process shares, as values that compare equal if unchanged."""
    import numpy as np
    import pandas as pd

    return {
        "the working directory": os.getcwd(),  # noqa: PTH109  (a string compares simply)
        "the environment": dict(os.environ),
        "sys.path": list(sys.path),
        "sys.excepthook": sys.excepthook,
        "sys.stdout": (sys.stdout, sys.stderr),
        "the recursion limit": sys.getrecursionlimit(),
        "the locale": locale.setlocale(locale.LC_ALL),
        "the warning filters": list(warnings.filters),
        "the root logger": (logging.root.level, list(logging.root.handlers)),
        "the random numbers of Python": random.getstate(),
        "the random numbers of numpy": str(np.random.get_state()),  # noqa: NPY002
        "numpy's error handling": np.geterr(),
        "numpy's print options": np.get_printoptions(),
        "pandas' options": {name: pd.get_option(name) for name in PANDAS_OPTIONS},
        "the decimal context": str(decimal.getcontext()),
        "the signal handlers": [signal.getsignal(number) for number in signal.valid_signals()],
    }


PANDAS_OPTIONS = ("display.max_rows", "display.max_columns", "display.precision", "display.width")


def changes(module: str) -> list[str]:
    """Name what loading `module` as a plugin changes.

    Parameters
    ----------
    module : str
        The plugin's module, not imported before.

    Returns
    -------
    list of str
        Empty if it leaves everything alone.
    """
    from spcbench.plugin import PluginHost

    # numpy and pandas set warning filters when first imported, in `snapshot`:
    # the first one clears the way, so that they are not held against the plugin.
    snapshot()
    before = snapshot()
    PluginHost.of(import_module(module), builtins=()).plugins()
    after = snapshot()
    return [name for name, value in before.items() if after[name] != value]


def tell(module: str) -> None:
    """Print one marked line for each thing that loading `module` changes."""
    for name in changes(module):
        print(MARK + name)  # noqa: T201  (the parent process reads it)
