"""Spark at work: the same counts and charts for tables that one machine cannot hold.

Nothing else in the package imports pyspark, and here it loads when first used.
"""
