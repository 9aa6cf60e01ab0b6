"""The study: one TOML file read into one frozen value."""

from estimates.study.reading import FLAGSHIP, LARGEST_FILE, PACKAGED, packaged, read, read_text
from estimates.study.whole import Carriers, Change, Headline, Study, Variant, restore

__all__ = [
    "FLAGSHIP",
    "LARGEST_FILE",
    "PACKAGED",
    "Carriers",
    "Change",
    "Headline",
    "Study",
    "Variant",
    "packaged",
    "read",
    "read_text",
    "restore",
]
