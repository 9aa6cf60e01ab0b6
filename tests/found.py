"""What the other commands say of a study, made of the library's own objects: nothing was fitted."""

from drawn import IDLE, drawn

from estimates.attribution import Driver, Sensitivity
from estimates.beside import Beside
from estimates.comparison import Comparison, Story
from estimates.dials import Dial
from estimates.estimate import Estimate, Measured
from estimates.falsification import Falsification, Overturned
from estimates.judging import Answer, Trusted, Verdicts, _judged
from estimates.study import Study


def everything(estimate: Estimate) -> Beside:
    """Documents of all commands, as they would lie beside an estimate."""
    study = estimate.study
    return Beside(
        claims=_claims(study).document(),
        comparison=_comparison(study).document(),
        sensitivity=_sensitivity(estimate).document(),
        falsified=tuple(_falsification(study, claim).document() for claim in list(study.claims)[:2]),
    )


def _comparison(study: Study) -> Comparison:
    places = [("steady", None), ("stepped", None), *(("steady", name) for name in list(study.variants)[:1])]
    stories = []
    for number, (model, variant) in enumerate(places):
        estimate = drawn(study.variant(variant) if variant else study, model=model)
        object.__setattr__(estimate.conditions, "log_evidence", Measured(-8.34 - 2.71 * number, 0.013))
        stories.append(Story(model, variant, estimate))
    failed = study.reports[-1].id
    checks = tuple({"story": story.label, "report": failed, "fails": True} for story in stories[1:2])
    return Comparison(
        study, tuple(stories), {"opened": {("stepped", None): Measured(-8.9, 0.02)}}, (), checks
    )


def _claims(study: Study) -> Verdicts:
    answers = tuple(
        Answer(model, None, Measured(0.41, 0.01), Measured(value, 0.01), Measured(0.83, 0.01))
        for model, value in (("steady", 0.27), ("stepped", 0.64))
    )
    judged = tuple(_judged(study, claim, answers) for claim in study.claims)
    return Verdicts(study, 7, judged, tuple(Trusted(answer.label, "good") for answer in answers))


def _sensitivity(estimate: Estimate) -> Sensitivity:
    study = estimate.study
    row = [row for row in estimate.document()["quantities"] if row["name"] == study.leading[0]][-1]
    spread = (row["lower"], row["median"], row["upper"])
    width = spread[2] - spread[0]
    drivers = tuple(
        Driver(
            name=name,
            label=name,
            group="load",
            is_judgement=study.assumptions[name].judgement,
            share=Measured(0.43 - 0.03 * number, 0.01),
            width=width * (0.61 + 0.03 * number),
            falls={},
            prior_scaling=None,
        )
        for number, name in enumerate(_known(study))
    )
    return Sensitivity(
        estimate=estimate,
        quantity=row["name"],
        at=row["at"],
        spread=spread,
        drivers=drivers,
        groups={"load": 0.86, "trend": 0.09, "level": 0.05},
        judgement=0.72,
        likelihood_scaling=None,
        is_log=True,
        twice=tuple(0.9 * end for end in spread),
        not_twice="",
    )


def _falsification(study: Study, claim: str) -> Falsification:
    dials = tuple(Dial(study, name, is_fitted=number < 2) for number, name in enumerate(_known(study)))
    turned = {dial.name: 1.7 for dial in dials[:2]}
    found = Overturned(
        setting=turned,
        values={dial.name: dial.stated(1.7) for dial in dials[:2]},
        probability=Measured(0.51, 0.01),
        distance=2.4,
        chance=0.0123,
        evidence_change=-3.4,
    )
    return Falsification(
        study=study,
        claim=claim,
        model="steady",
        seed=7,
        tries=2000,
        prior=Measured(0.14, 0.01),
        posterior=Measured(0.33, 0.01),
        opened=Measured(0.79, 0.01),
        dials=dials,
        alone={dial.name: found if dial is dials[0] else None for dial in dials},
        together=found,
        unfitted=None,
    )


def _known(study: Study) -> list[str]:
    return [name for name in study.assumptions if name not in IDLE]
