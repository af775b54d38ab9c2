"""When does a cron line run next?"""

from nextrun.fields import BadLine
from nextrun.schedule import NeverRuns, Schedule

__all__ = ["BadLine", "NeverRuns", "Schedule"]
