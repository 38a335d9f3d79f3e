"""What takes long is told, what does not is not."""

from __future__ import annotations

import re
from time import sleep

import pytest

from spcbench.cli.progress import stage


def test_what_is_quick_is_not_told(capsys):
    with stage("Counting records"):
        pass
    assert capsys.readouterr() == ("", "")


def test_what_is_slow_is_told_on_stderr(capsys):
    with stage("Counting records", after=0.01):
        sleep(0.15)
    output, errors = capsys.readouterr()
    assert output == ""
    assert re.fullmatch(r"Counting records … done in 0\.[12] s\n", errors)


def failing_stage():
    with stage("Counting records", after=0.01):
        sleep(0.15)
        raise ZeroDivisionError


def test_a_failure_ends_the_line(capsys):
    with pytest.raises(ZeroDivisionError):
        failing_stage()
    assert capsys.readouterr().err == "Counting records … stopped\n"
