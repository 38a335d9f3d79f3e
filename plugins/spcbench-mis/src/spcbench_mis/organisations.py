"""Codes of organisations: which are maternity providers, and their successors."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple


class Successor(NamedTuple):
    """What a former provider became part of, and when; `divided` if only in part."""

    into: str
    since: date
    divided: bool


def is_listed(code: str) -> bool:
    """Whether a code is that of a maternity provider of the published annual lists.

    Examples
    --------
    >>> is_listed("RJ1"), is_listed("XX1")
    (True, False)
    """
    return code in providers()


@cache
def providers() -> frozenset[str]:
    """Codes of the providers that the annual files of 2020-21 to 2022-23 list.

    Examples
    --------
    >>> len(providers()) > 100
    True
    """
    return frozenset(_content()["providers"]["codes"])


@cache
def successors() -> Mapping[str, Successor]:
    """The provider that each former one has become part of since 2018, and when.

    None of the dates has been compared with the Organisation Data Service.

    Examples
    --------
    >>> successors()["RVY"]
    Successor(into='RBN', since=datetime.date(2023, 7, 1), divided=False)
    """
    return {
        one["code"]: Successor(one["into"], one["since"], one.get("divided", False))
        for one in _content()["successor"]
    }


@cache
def _content() -> dict[str, Any]:
    text = (files("spcbench_mis") / "organisations.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
