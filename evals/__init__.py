"""Task formats, runner, grader and benchmarks."""
