"""One page that says what a run came to, and shows every trajectory."""

from qwright.evals.report.folder import RunFolder, Sample, read_run
from qwright.evals.report.page import write_report

__all__ = ["RunFolder", "Sample", "read_run", "write_report"]
