"""Requirements such as "log>=1,<2"."""

import operator
import re
from dataclasses import dataclass

from lockdown.version import Version

FORM = re.compile(r"([A-Za-z][\w-]*)\s*(.*)")
LIMIT = re.compile(r"(==|!=|>=|<=|>|<)\s*([\w.-]+)")
OPERATORS = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": lambda one, other: other <= one,
    "<=": operator.le,
    ">": lambda one, other: other < one,
    "<": operator.lt,
}


@dataclass(frozen=True)
class Requirement:
    name: str
    limits: tuple
    """Pairs of an operator and a Version."""

    def allows(self, version):
        return all(OPERATORS[sign](version, limit) for sign, limit in self.limits)


def parse(text):
    """Raises ValueError."""
    match = FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not a requirement: {text}")
    limits = []
    for part in filter(None, match[2].split(",")):
        limit = LIMIT.fullmatch(part.strip())
        if limit is None:
            raise ValueError(f"not a requirement: {text}")
        limits.append((limit[1], Version(limit[2])))
    return Requirement(match[1], tuple(limits))
