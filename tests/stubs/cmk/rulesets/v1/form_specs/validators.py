"""Stand-in of cmk.rulesets.v1.form_specs.validators."""

from __future__ import annotations

from typing import Any


class ValidationError(ValueError):
    def __init__(self, message: Any) -> None:
        super().__init__(message)
        self.message = message
