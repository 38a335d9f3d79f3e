"""The kit that plugin authors run, to see that a plugin keeps the contract.

::

    import pytest, spcbench_pop
    from spcbench.testing import plugin_checks

    @pytest.mark.parametrize("check", plugin_checks(spcbench_pop), ids=str)
    def test_conforms(check):
        check()

No pytest is needed: a check is a function that raises `AssertionError`.
"""

from spcbench.testing.checks import Check, plugin_checks
from spcbench.testing.worked_example import assert_counts

__all__ = ["Check", "assert_counts", "plugin_checks"]
