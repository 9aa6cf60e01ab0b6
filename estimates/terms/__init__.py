"""PyMC building blocks for model files."""

from estimates.terms.frame import REPORTS, Frame, assumption, day, flow, frame
from estimates.terms.likelihood import interval_logp, print_reports

__all__ = [
    "REPORTS",
    "Frame",
    "assumption",
    "day",
    "flow",
    "frame",
    "interval_logp",
    "print_reports",
]
