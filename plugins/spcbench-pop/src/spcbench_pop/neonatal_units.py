"""Which London units have intensive, local or special care: the strata of place of birth."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Literal, get_args

from spcbench.errors import OptionError, suggest

if TYPE_CHECKING:
    import pandas as pd

Per = Literal["site", "trust"]

LEVELS = ("NICU", "LNU", "SCU")
"""Intensive care, local unit, special care; a trust has the first of them that a site has."""


def designations(*, per: Per = "site") -> pd.DataFrame:
    """Neonatal designations of London units, none of them verified.

    A trust with a neonatal intensive care unit scores near 100 % on place of
    birth by construction; joined to counts, the column `designation` lets
    ``funnels(counts, by="designation")`` compare like with like.

    Parameters
    ----------
    per : str
        ``"site"``: one row a site, by ODS site code. ``"trust"``: one row a
        trust, with the most intensive level that any of its sites has.

    Returns
    -------
    pandas.DataFrame
        Columns `code, name, trust, designation, verified`, ordered by `code`;
        the `name` of a trust lists its sites. `verified` is False throughout:
        compare with the neonatal network before use. Designations change; the
        dates from which they hold are not known.

    Raises
    ------
    OptionError
        If `per` is neither.

    References
    ----------
    .. [1] NHS England Organisation Data Service, site codes (Open Government
       Licence v3.0); designations from general knowledge of the London
       neonatal network, unverified.

    Examples
    --------
    >>> found = designations(per="trust").set_index("code")
    >>> found.loc[["RJ1", "RJ2"], "designation"].to_dict()
    {'RJ1': 'NICU', 'RJ2': 'LNU'}
    """
    import pandas as pd

    if per not in get_args(Per):
        raise OptionError(f"per cannot be {per!r}; {suggest(str(per), get_args(Per))}")
    with files(__package__).joinpath("designations.csv").open(encoding="utf-8") as file:
        sites = pd.read_csv(file).sort_values("code", ignore_index=True)
    if per == "site":
        return sites
    level = pd.Categorical(sites["designation"], categories=LEVELS, ordered=True)
    trusts = (
        sites.assign(level=level)
        .sort_values(["trust", "level", "code"])
        .groupby("trust", as_index=False)
        .agg(
            name=("name", "; ".join),
            designation=("designation", "first"),
            verified=("verified", "all"),
        )
    )
    trusts.insert(0, "code", trusts["trust"])
    return trusts[["code", "name", "trust", "designation", "verified"]]
