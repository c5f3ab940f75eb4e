"""What a plugin's word may raise; it costs its own step or rule, never the run behind it and never the engine."""

from __future__ import annotations

import voluptuous as vol

from ..core.errors import SiagaError

FAULTS = (
    *(SiagaError, vol.Invalid, TypeError, ValueError, LookupError, AttributeError, ArithmeticError),
    *(RuntimeError, AssertionError, OSError, ImportError),
)
