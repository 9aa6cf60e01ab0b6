"""A law: a sentence that holds for every model, or every study, and how it is tried."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from estimates.errors import EstimatesError


class BrokenLawError(EstimatesError, AssertionError):
    """A law that a model or a study does not keep, with the smallest example found."""


@dataclass(frozen=True)
class Law:
    """A sentence that holds for every model, or every study.

    Attributes
    ----------
    name : str
    says : str
        The law.
    check : callable
        Gives what breaks the law, or nothing.
    cost : str
        ``"cheap"``; ``"fit"``: a few fits by importance sampling; ``"slow"``: NUTS, or dozens of fits.
    """

    name: str
    says: str
    check: Callable[[Any], str | None]
    cost: str = "cheap"


@dataclass(frozen=True)
class Check:
    """One law, to be tried on one model or one study."""

    law: Law
    subject: str
    _try: Callable[[], None] = field(repr=False)

    def __call__(self) -> None:
        """Try the law.

        Raises
        ------
        BrokenLawError
            With the law, what broke it, and the smallest example found.
        """
        self._try()

    @property
    def __name__(self) -> str:
        return self.law.name
