"""Telling on stderr what takes long, and nothing about what does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from time import monotonic

import click


@contextmanager
def stage(title: str, *, after: float = 1.0) -> Iterator[None]:
    """Say what is being done if it takes longer than a moment, and then how long it took.

    Parameters
    ----------
    title : str
        What is being done, such as ``"Counting records"``.
    after : float
        Seconds to keep quiet.
    """
    told: list[str] = []

    def tell() -> None:
        told.append(title)
        click.echo(f"{title} …", err=True, nl=False)

    begun = monotonic()
    timer = Timer(after, tell)
    timer.daemon = True
    timer.start()
    ending = " stopped"
    try:
        yield
        ending = f" done in {monotonic() - begun:.1f} s"
    finally:
        timer.cancel()
        # A line that has just been begun must be whole before it is ended.
        timer.join()
        if told:
            click.echo(ending, err=True)
