"""PyMC building blocks for model files."""

from estimates.terms.flow import REPORTS, SEEN_BEFORE, SEEN_CENTRE, flow
from estimates.terms.frame import Frame, assumption, day, frame, number
from estimates.terms.likelihood import interval_logp, print_reports
from estimates.terms.process import gamma_process

__all__ = [
    "REPORTS",
    "SEEN_BEFORE",
    "SEEN_CENTRE",
    "Frame",
    "assumption",
    "day",
    "flow",
    "frame",
    "gamma_process",
    "interval_logp",
    "number",
    "print_reports",
]
