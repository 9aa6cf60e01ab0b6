"""What a model's graph hangs on in its study, apart from the numbers that are put into it."""

import json
from typing import Any

from estimates.correlations import group_of
from estimates.study.whole import Study

_WORDS = ("name", "title", "about", "headline", "variant")
"""Parts of a study that no model reads."""


def structure(study: Study) -> str:
    """Equal for two studies of which one can take the place of the other in a model built once.

    Everything is in it but what `terms.number` reads anew: the wording of reports, and the numbers of
    priors where their family, their bounds and their support stay.
    """
    document = study._raw()
    for words in _WORDS:
        document.pop(words, None)
    for report in document["report"]:
        del report["says"]
    for name in document["assumption"]:
        document["assumption"][name] = _kind(study, name)
    # Which reports are fitted, and after which, may hang on their wording.
    document["roles"] = [
        [report.id for report in study.fitted],
        [report.model_dump(mode="json", exclude={"says"}) for report in study.predicted],
        sorted(study.predecessors.items()),
    ]
    document["days"] = study.days
    document["correlation"] = [sorted(pair.between) for pair in study.correlations]
    return json.dumps(document, sort_keys=True, default=str)


def _kind(study: Study, name: str) -> list[Any]:
    """The shape of a prior: what of it is no number that may change."""
    distribution = study.distribution(name)
    kind = [study.assumption(name).unit, distribution.family, len(distribution.parameters)]
    if distribution.family == "fixed":
        return kind
    is_alone = len(group_of(name, study.correlations)) == 1
    if distribution.family == "uniform" and is_alone:
        return kind
    return [*kind, *distribution.quantile([0.0, 1.0]).tolist(), distribution.lower, distribution.upper]
