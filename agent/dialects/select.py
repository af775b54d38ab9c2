"""Which dialect to speak with a model."""

from __future__ import annotations

from qwright.agent.dialects import Dialect
from qwright.agent.dialects.native import NativeDialect
from qwright.agent.dialects.text import TextDialect
from qwright.agent.profile import Profile


def dialect_for(profile: Profile, *, require_call: bool = False) -> Dialect:
    """`require_call` has a meaning only where the profile is constrained."""
    if profile.dialect == "native":
        return NativeDialect()
    return TextDialect(constrained=profile.constrained, require_call=require_call)
