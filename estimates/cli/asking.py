"""What the words of a command line mean: studies, models and readings, found before anything slow starts."""

from pathlib import Path
from typing import TYPE_CHECKING

from estimates.cli.options import RIVALS

if TYPE_CHECKING:
    from estimates.shelf import ModelFile
    from estimates.study import Study


def read_as(study: str, variant: str | None) -> "Study":
    """The study of a name or a path, under a variant of it."""
    from estimates.study import read

    asked = read(study)
    return asked if variant is None else asked.variant(variant)


def model_file(model: str) -> "ModelFile":
    """The model file, looked for before anything slow is imported."""
    from estimates import shelf

    return shelf.find(model)


def listed(text: str) -> list[str]:
    """The words between commas."""
    return [word.strip() for word in text.split(",")]


def stories(models: str, variants: str | None) -> tuple[list[Path], list[str | None] | None]:
    """The models and the readings named on the command line."""
    files = [model_file(model).path for model in listed(models)]
    return files, None if variants is None else [_reading(name) for name in listed(variants)]


def _reading(name: str) -> str | None:
    return None if name in ("none", "") else name


def served_models(study: "Study", *more: str) -> str:
    """The rivals among the models that the study serves, and more of them, as an option."""
    names = dict.fromkeys((*RIVALS.split(","), *more))
    return ",".join(name for name in names if model_file(name).is_served_by(study))


def day_to_forecast(study: "Study") -> object:
    """A day for which the next count of carriers can be forecast, if there is one."""
    counted = any(report.measures == study.carriers.name for report in study.fitted)
    later = study.horizon > max(report.published for report in study.reports)
    return study.horizon if counted and later else None
