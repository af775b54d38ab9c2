"""What is spoken after a server has refused what was spoken before."""

from __future__ import annotations

from qwright.agent.dialects import Constraint, Dialect, DialectName
from qwright.agent.dialects.select import dialect_for
from qwright.agent.errors import ConstraintRefusedError, ModelError, ToolsRefusedError
from qwright.agent.learned import Lessons


class Fallback:
    """Text in `form` after a refusal of tools, no constraint after a refusal of that.

    `native` and `constraint` say what is spoken first; `held` is how text would be constrained.
    The lessons keep each refusal for the next run.
    """

    def __init__(
        self,
        *,
        native: bool,
        form: DialectName,
        constraint: Constraint,
        held: Constraint,
        require_call: bool,
        lessons: Lessons,
    ) -> None:
        self._native = native
        self._form: DialectName = form
        self._constraint: Constraint = constraint
        self._held: Constraint = held
        self._require_call = require_call
        self._lessons = lessons

    def __call__(self, failure: ModelError) -> Dialect | None:
        """The dialect to go on with; None where there is no other way."""
        match failure:
            case ToolsRefusedError() if self._native:
                self._native, self._constraint = False, self._held
                self._lessons.tools_refused()
            case ConstraintRefusedError() if self._constraint != "none":
                self._constraint = self._held = "none"
                self._lessons.constraint_refused()
            case _:
                return None
        return dialect_for(
            "native" if self._native else self._form,
            constraint=self._constraint,
            require_call=self._require_call,
        )
