"""Turn sparse public reports into honest distributions.

>>> import estimates as est
>>> study = est.read("dprk-shells-2024")
>>> fit = est.infer(study, "steady", seed=1)
>>> fit.quantity("shells_152", at="aug_2024").attrs["units"]
'round'
"""

from typing import TYPE_CHECKING, Any

from estimates.errors import EstimatesError

if TYPE_CHECKING:
    from estimates import plots, terms
    from estimates.attribution import Sensitivity, sensitivity
    from estimates.calibrating import Calibration, calibrate
    from estimates.comparison import Comparison, compare
    from estimates.estimate import Estimate, load
    from estimates.falsification import Falsification, falsify
    from estimates.forecasts import Forecast, forecast, read_forecast, resolve
    from estimates.hindsight import scorecard
    from estimates.inference import infer, sample
    from estimates.judging import Verdicts, verdicts
    from estimates.multiverse import Multiverse
    from estimates.study import Study, read
    from estimates.sweeping import Sweep, read_sweep, sweep
else:
    _HOMES = {
        "Calibration": "estimates.calibrating",
        "Comparison": "estimates.comparison",
        "Estimate": "estimates.estimate",
        "Falsification": "estimates.falsification",
        "Forecast": "estimates.forecasts",
        "Multiverse": "estimates.multiverse",
        "Sensitivity": "estimates.attribution",
        "Study": "estimates.study",
        "Sweep": "estimates.sweeping",
        "Verdicts": "estimates.judging",
        "calibrate": "estimates.calibrating",
        "compare": "estimates.comparison",
        "falsify": "estimates.falsification",
        "forecast": "estimates.forecasts",
        "infer": "estimates.inference",
        "load": "estimates.estimate",
        "read": "estimates.study",
        "read_forecast": "estimates.forecasts",
        "read_sweep": "estimates.sweeping",
        "resolve": "estimates.forecasts",
        "sample": "estimates.inference",
        "scorecard": "estimates.hindsight",
        "sensitivity": "estimates.attribution",
        "sweep": "estimates.sweeping",
        "verdicts": "estimates.judging",
    }

    def __getattr__(name: str) -> Any:
        """Import a name on first use, so that ``import estimates`` stays fast."""
        import importlib

        if name in ("plots", "terms"):
            return importlib.import_module(f"estimates.{name}")
        if name in _HOMES:
            return getattr(importlib.import_module(_HOMES[name]), name)
        raise AttributeError(f"module 'estimates' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted(__all__)


__all__ = [
    "Calibration",
    "Comparison",
    "Estimate",
    "EstimatesError",
    "Falsification",
    "Forecast",
    "Multiverse",
    "Sensitivity",
    "Study",
    "Sweep",
    "Verdicts",
    "calibrate",
    "compare",
    "falsify",
    "forecast",
    "infer",
    "load",
    "plots",
    "read",
    "read_forecast",
    "read_sweep",
    "resolve",
    "sample",
    "scorecard",
    "sensitivity",
    "sweep",
    "terms",
    "verdicts",
]
