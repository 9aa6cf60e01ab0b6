"""What the words of a command line mean: studies, models and readings, found before anything slow starts."""

from pathlib import Path
from typing import TYPE_CHECKING

from estimates.cli.options import FLAGSHIP, RIVALS

if TYPE_CHECKING:
    from estimates.shelf import ModelFile
    from estimates.study import Study


_OWN = ("none", "as read", "")
"""What the study's own reading is called where variants are named."""


def read_as(study: str, variant: str | None) -> "Study":
    """The study of a name or a path, under a variant of it."""
    from estimates.study import read

    asked = read(study)
    return asked if variant is None else asked.variant(variant)


def model_file(model: str) -> "ModelFile":
    """The model file, looked for before anything slow is imported."""
    from estimates import shelf

    return shelf.find(model)


def study_last(name: str | None, study: str) -> tuple[str | None, str]:
    """A name and a study, in whichever order they were given: a study file is known by its ending."""
    if not str(name).endswith(".toml"):
        return name, study
    return (None if study == FLAGSHIP else study), str(name)


def listed(text: str) -> list[str]:
    """The words between commas."""
    return [word.strip() for word in text.split(",")]


def stories(models: str, variants: str | None) -> tuple[list[Path], list[str | None] | None]:
    """The models and the readings named on the command line."""
    files = [model_file(model).path for model in listed(models)]
    return files, readings(variants)


def readings(variants: str | None) -> list[str | None] | None:
    """The variants named on the command line, with None for the study's own reading; None for all of them."""
    if variants in (None, "all"):
        return None
    return [None if name in _OWN else name for name in listed(str(variants))]


def rivals(study: "Study", models: str) -> tuple[str, str]:
    """The models to be asked, and a sentence on those left out, which the study does not serve.

    Only of the rivals that are meant when none is named: a model that is asked for by name is refused with
    what it lacks.
    """
    served = served_models(study)
    if models != RIVALS or not served or served == RIVALS:
        return models, ""
    out = [name for name in listed(RIVALS) if name not in listed(served)]
    return served, f"Left out, for the study does not have what they ask for: {', '.join(out)}."


def served_models(study: "Study", *more: str) -> str:
    """The rivals among the models that the study serves, and more of them, as an option."""
    names = dict.fromkeys((*RIVALS.split(","), *more))
    return ",".join(name for name in names if model_file(name).is_served_by(study))


def day_to_forecast(study: "Study") -> object:
    """A day for which the next count of carriers can be forecast, if there is one."""
    counted = any(report.measures == study.carriers.name for report in study.fitted)
    later = study.horizon > max(report.published for report in study.reports)
    return study.horizon if counted and later else None
