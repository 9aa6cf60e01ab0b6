"""Laws that every model and every study keeps, in the spirit of scikit-learn's `check_estimator`.

A law is a sentence with a check. Laws of models are tried on studies that Hypothesis draws; where one is
broken, the smallest study that shows it is told. `check_model` and `check_study` try them all and raise with
everything that is broken; the pytest plugin makes a test of each (see `docs/testing.md`).
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from estimates import shelf, strategies
from estimates.errors import ContradictionError, ModelError, StudyError
from estimates.study import Study
from estimates.testing.law import BrokenLawError, Check, Law, NotTriedError
from estimates.testing.model_laws import MODEL_LAWS
from estimates.testing.study_laws import STUDY_LAWS
from estimates.testing.subjects import Subject
from estimates.workers import Progress

type Build = Callable[[Study], Any] | str | Path

EXAMPLES = 5
"""Studies on which a law of models is tried, unless one is given."""

_MOST_BUILDS = 15  # models built in search of the smallest example


def model_checks(
    build: Build, study: Study | None = None, *, slow: bool = False, examples: int = EXAMPLES, seed: int = 1
) -> tuple[Check, ...]:
    """The laws of models as checks of one model, to be called one by one.

    Parameters
    ----------
    build : callable, str or Path
        ``build(study)``, a name on the shelf, or the path of a model file.
    study : Study, optional
        The study on which to try it; without it, studies that Hypothesis draws.
    slow : bool
        Also those that take minutes: NUTS beside importance sampling, and a small calibration run.
    examples : int
        So many studies are drawn.
    """
    file = shelf.find(build) if isinstance(build, str | Path) else shelf.of(build)
    subjects = _Subjects(file, seed)
    laws = [law for law in MODEL_LAWS if slow or law.cost != "slow"]
    return tuple(Check(law, file.name, _trial(law, file.name, subjects, study, examples)) for law in laws)


def study_checks(study: Study, model: str | Path = "steady", *, seed: int = 1) -> tuple[Check, ...]:
    """The laws of studies as checks of one study, read by one model."""
    file = shelf.find(model)
    subjects = _Subjects(file, seed)
    return tuple(Check(law, study.name, _trial(law, study.name, subjects, study, 1)) for law in STUDY_LAWS)


def check_model(
    build: Build,
    study: Study | None = None,
    *,
    slow: bool = False,
    examples: int = EXAMPLES,
    seed: int = 1,
    progress: Progress | None = None,
) -> None:
    """Try every law of models.

    Raises
    ------
    BrokenLawError
        Naming every law that is broken, each with the smallest example found.

    Examples
    --------
    >>> from estimates import testing
    >>> testing.check_model("steady", examples=1)
    """
    _tried(model_checks(build, study, slow=slow, examples=examples, seed=seed), progress)


def check_study(
    study: Study, model: str | Path = "steady", *, seed: int = 1, progress: Progress | None = None
) -> None:
    """Try every law of studies.

    Raises
    ------
    BrokenLawError
        Naming every law that is broken.
    """
    _tried(study_checks(study, model, seed=seed), progress)


def _tried(checks: Sequence[Check], progress: Progress | None) -> None:
    broken = [outcome.broken for outcome in outcomes(checks, progress) if outcome.broken]
    if broken:
        raise BrokenLawError("\n".join(broken))


class Outcome(NamedTuple):
    """A law that was tried: what broke it, or why it could not be tried; neither where it is kept."""

    check: Check
    broken: str | None
    not_tried: str | None


def outcomes(checks: Sequence[Check], progress: Progress | None = None) -> Iterator[Outcome]:
    """Try some laws one after another."""
    for number, check in enumerate(checks):
        if progress:
            progress(number / len(checks), check.law.name.replace("_", " "))
        try:
            yield Outcome(check, None, check())
        except BrokenLawError as error:
            yield Outcome(check, str(error), None)


class _Subjects:
    """Subjects of one model, each built once, and not too many of them."""

    def __init__(self, file: shelf.ModelFile, seed: int) -> None:
        self.file, self.seed = file, seed
        self.kept: dict[str, Subject] = {}

    def of(self, study: Study) -> Subject:
        """The model of a study."""
        if study.fingerprint not in self.kept:
            if len(self.kept) >= _MOST_BUILDS:
                self.kept.pop(next(iter(self.kept)))
            self.kept[study.fingerprint] = Subject(self.file, study, self.seed)
        return self.kept[study.fingerprint]


def _trial(
    law: Law, name: str, subjects: _Subjects, study: Study | None, examples: int
) -> Callable[[], str | None]:
    def tried() -> str | None:
        try:
            if study is not None:
                shown, complaint = study, _complaint(law, subjects.of(study))
            else:
                shown, complaint = _smallest(law, subjects, examples)
        except NotTriedError as reason:
            return str(reason)
        if complaint is not None:
            raise BrokenLawError(
                f"{law.says} But {complaint}.",
                where=f"{name} · {law.name}",
                remedy="" if study is not None else f"Found on {_told(shown)}.",
            )
        return None

    return tried


def _complaint(law: Law, subject: Subject) -> str | None:
    try:
        return law.check(subject)
    except (ContradictionError, ModelError) as error:
        return error.what
    except StudyError as error:  # a drawn study has only what models agree upon
        if subject.study.name != strategies.NAME:
            raise
        raise NotTriedError(f"{error.what}; try it on a study of yours") from None


def _smallest(law: Law, subjects: _Subjects, examples: int) -> tuple[Study, str | None]:
    """The smallest study that Hypothesis finds to break the law, with what breaks it; else any study.

    Raises
    ------
    NotTriedError
        Where it could be tried on none.
    """
    built, seen = 0, list[Study]()
    told: dict[str, str] = {}
    reasons: list[NotTriedError] = []

    def breaks(study: Study) -> bool:
        nonlocal built
        built += 1
        if built > _MOST_BUILDS and study.fingerprint not in told:
            return False  # small enough
        try:
            complaint = _complaint(law, subjects.of(study))
        except NotTriedError as reason:
            reasons.append(reason)
            return False
        seen.append(study)
        if complaint is not None:
            told[study.fingerprint] = complaint
        return complaint is not None

    is_cheap = law.cost == "cheap"
    found = strategies.smallest(
        strategies.studies(), breaks, tries=examples if is_cheap else 1, seed=subjects.seed, shrinks=is_cheap
    )
    if found is not None:
        return found, told[found.fingerprint]
    if not seen:
        raise reasons[0]
    return seen[0], None


def _told(study: Study) -> str:
    """A study in a line: its reports."""
    said = [f"{r.issuer}, {r.published}: {r.says}" for r in study.fitted[:4]]
    more = f" and {len(study.fitted) - 4} more" if len(study.fitted) > 4 else ""
    return f"{study.name} ({'; '.join(said)}{more})"


__all__ = [
    "MODEL_LAWS",
    "STUDY_LAWS",
    "BrokenLawError",
    "Check",
    "Law",
    "NotTriedError",
    "Outcome",
    "check_model",
    "check_study",
    "model_checks",
    "outcomes",
    "study_checks",
]
