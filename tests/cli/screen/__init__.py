"""Tests of `arborlink.cli.screen`."""
