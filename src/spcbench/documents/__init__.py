"""Whole reports as documents in pages; loaded only when one is written."""
