"""What a claim comes to when some assumptions are fixed elsewhere in their priors, from draws of one fit."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimates.claims import truth
from estimates.dials import Dial, Setting
from estimates.estimate import Estimate
from estimates.formula import Name
from estimates.quantities import dependencies, evaluate
from estimates.study import Study

type Array = NDArray[np.float64]
_FEWEST = 400
_NEAREST = 0.1


def dials_of(estimate: Estimate, claim: str) -> tuple[Dial, ...]:
    """The assumptions that a claim rests on: those in its formulas, and those behind what is fitted."""
    study, posterior = estimate.study, estimate.data["posterior"]
    fitted = [name for name in posterior.attrs["fitted"].split(",") if name in study.assumptions]
    names: dict[str, None] = {}
    for leaf in study.claims[claim].parsed.names():
        for name in (leaf.name, *dependencies(leaf.name, study.quantities)):
            if name == study.carriers.name or name in fitted:
                names |= dict.fromkeys(fitted)
            elif name in study.assumptions:
                names[name] = None
    turning = [name for name in names if study.assumptions[name].prior.family != "fixed"]
    return tuple(_dial(study, posterior[name], name in fitted) for name in turning if name in posterior)


def _dial(study: Study, draws: Any, is_fitted: bool) -> Dial:
    dial = Dial(study, str(draws.name), is_fitted)
    scores = _scores(dial, np.asarray(draws, dtype=float))
    return replace(dial, entries=len(scores), origin=float(np.mean(scores)) if is_fitted else 0.0)


class Turned:
    """The draws of an estimate, for a claim to be asked under many settings of its dials.

    A dial that is not fitted is replaced by its value. For one that is fitted, draws are weighted by how
    near they come to the setting, and moved the rest of the way along the straight line that fits them
    (the regression adjustment of Beaumont, Zhang and Balding 2002, doi:10.1093/genetics/162.4.2025). That
    is a guide for a search, and no more: what it finds is to be fitted anew.
    """

    def __init__(self, estimate: Estimate, claim: str) -> None:
        self.study, self.claim = estimate.study, estimate.study.claims[claim]
        self.dials = {dial.name: dial for dial in dials_of(estimate, claim)}
        draws = estimate.data["posterior"].to_dataset()
        self._leaves = {
            (name, at): np.asarray(estimate.quantity(name, at), dtype=float).ravel()
            for leaf in self.claim.parsed.names()
            for name, at in self._roots(leaf)
        }
        self._scores = {
            name: _scores(dial, np.asarray(draws[name], dtype=float))
            for name, dial in self.dials.items()
            if dial.is_fitted
        }

    def _roots(self, leaf: Name) -> list[tuple[str, str | None]]:
        """The carriers and assumptions under a name, with the day for the carriers."""
        names = [leaf.name, *dependencies(leaf.name, self.study.quantities)]
        carriers = self.study.carriers.name
        return [(n, leaf.at if n == carriers else None) for n in names if n not in self.study.quantities]

    def probability(self, setting: Setting) -> float:
        """The probability of the claim with some dials fixed: name -> z."""
        weights, leaves = self._moved({name: z for name, z in setting.items() if name in self._scores})
        fixed = {name: self.dials[name].at(z) for name, z in setting.items()}

        def value(leaf: Name) -> Any:
            def root(name: str) -> Any:
                at = leaf.at if name == self.study.carriers.name else None
                return fixed[name] if name in fixed else leaves[(name, at)]

            return evaluate(leaf.name, self.study.quantities, root, self.study.factor)

        holds = truth(self.claim, value, self.study.factor, self.study.day_number)
        return float(np.sum(weights * holds))

    def _moved(self, setting: Setting) -> tuple[Array, dict[tuple[str, str | None], Array]]:
        """Weights that sum to 1, and the draws they belong to, as near the setting as they can be brought."""
        if not setting:
            size = len(next(iter(self._leaves.values())))
            return np.full(size, 1 / size), self._leaves
        off = np.concatenate([self._scores[name] - z for name, z in setting.items()])
        spread = np.maximum(np.std(off, axis=1, keepdims=True), 1e-12)
        distance = np.sqrt(np.sum(np.square(off / spread), axis=0))
        count = max(_FEWEST, int(_NEAREST * len(distance)))
        near = np.argpartition(distance, min(count, len(distance) - 1))[:count]
        # Epanechnikov's kernel, out to the farthest of the nearest draws.
        weights = 1 - np.square(distance[near] / (distance[near].max() * (1 + 1e-9)))
        design = np.vstack([np.ones(len(near)), off[:, near]]).T
        root = np.sqrt(weights)[:, None]
        moved = {}
        for key, leaf in self._leaves.items():
            here = leaf[near]
            is_count = key[0] == self.study.carriers.name and bool(np.all(here > 0))
            target = np.log(here) if is_count else here
            slopes = np.linalg.lstsq(root * design, root[:, 0] * target, rcond=None)[0]
            line = target - design[:, 1:] @ slopes[1:]
            moved[key] = np.exp(line) if is_count else line
        return weights / weights.sum(), moved


def _scores(dial: Dial, draws: Array) -> Array:
    """The prior scores of draws (entry, draw): one entry, or one for each issuer."""
    return dial.score(draws.reshape(draws.shape[0] * draws.shape[1], -1).T)
