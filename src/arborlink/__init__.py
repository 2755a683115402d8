"""Arbor: run commands on machines you cannot reach directly and watch the output live."""

__version__ = "0.2.0"
