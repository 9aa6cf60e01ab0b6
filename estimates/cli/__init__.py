"""The command line: the only place that prints."""

from estimates.cli.program import main

__all__ = ["main"]
