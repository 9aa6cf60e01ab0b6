"""Turn sparse public reports into honest distributions."""

from typing import TYPE_CHECKING, Any

from estimates.errors import EstimatesError

if TYPE_CHECKING:
    from estimates import terms
    from estimates.study import Study, read
else:
    _LAZY = {"Study": "estimates.study", "read": "estimates.study"}

    def __getattr__(name: str) -> Any:
        import importlib

        if name == "terms":
            return importlib.import_module("estimates.terms")
        if name in _LAZY:
            return getattr(importlib.import_module(_LAZY[name]), name)
        raise AttributeError(f"module 'estimates' has no attribute {name!r}")


__all__ = ["EstimatesError", "Study", "read", "terms"]
