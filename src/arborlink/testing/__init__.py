"""Doubles for the tests of Arbor and of whoever builds on it; no test framework is needed.

The modules are the API: `clock`, `cells`, `chaos_proxy`, `transport`. Nothing is imported here, so
that `python -m arborlink.testing.cells` starts at once.
"""
