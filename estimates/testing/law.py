"""A law: a sentence that holds for every model, or every study, and how it is tried."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from estimates.errors import EstimatesError


class BrokenLawError(EstimatesError, AssertionError):
    """A law that a model or a study does not keep, with the smallest example found."""


class NotTriedError(Exception):
    """Why a law cannot be tried on a model or a study; no fault of either."""


@dataclass(frozen=True)
class Law:
    """A sentence that holds for every model, or every study.

    Attributes
    ----------
    name : str
    says : str
        The law.
    check : callable
        Gives what breaks the law, or nothing; raises `NotTriedError` where it cannot be tried.
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
    _try: Callable[[], str | None] = field(repr=False)

    def __call__(self) -> str | None:
        """Try the law.

        Returns
        -------
        str or None
            Why it could not be tried; None when it was, and is kept.

        Raises
        ------
        BrokenLawError
            With the law, what broke it, and the smallest example found.
        """
        return self._try()

    @property
    def __name__(self) -> str:
        return self.law.name
