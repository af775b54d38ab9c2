"""A cron line and the times it stands for."""

from datetime import datetime, timedelta

from nextrun.fields import LIMITS, BadLine, read_field


class NeverRuns(Exception):
    """There is no such time."""


class Schedule:
    def __init__(self, line):
        """Raises BadLine."""
        parts = line.split()
        if len(parts) != len(LIMITS):
            raise BadLine(f"five fields are needed, not {len(parts)}")
        self.minute, self.hour, self.day, self.month, self.weekday = (
            read_field(text, name) for text, name in zip(parts, LIMITS)
        )

    def after(self, moment):
        """The first run later than `moment` (a datetime without zone). Raises NeverRuns."""
        found = moment.replace(second=0, microsecond=0)
        last = found.year + 4
        while found.year <= last:
            if found.month not in self.month.values:
                found = _next_month(found)
            elif not self._day_fits(found):
                found = datetime(found.year, found.month, found.day + 1)
            elif found.hour not in self.hour.values:
                found = found.replace(minute=0) + timedelta(hours=1)
            elif found.minute not in self.minute.values:
                found += timedelta(minutes=1)
            else:
                return found
        raise NeverRuns(f"no run until the end of {last}")

    def _day_fits(self, moment):
        return moment.day in self.day.values and moment.weekday() in self.weekday.values


def _next_month(moment):
    return datetime(moment.year + moment.month // 12, moment.month % 12 + 1, 1)
