from __future__ import annotations

import pytest

from spcbench.cli.values import mapped_columns
from spcbench.errors import OptionError


@pytest.mark.parametrize("text", ["ga_days", "=days", "ga_days=", " = "])
def test_what_is_no_mapping(text):
    with pytest.raises(OptionError, match="must look like NAME=EXPRESSION, such as ga_days="):
        mapped_columns([text])


def test_one_name_twice():
    with pytest.raises(OptionError, match="--map gives 'a' twice; keep one of them"):
        mapped_columns(["a=b", "a =c"])
