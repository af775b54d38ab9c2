"""Benchmarks of qwright itself, each against a reference measured in the same run.

`python -m qwright.evals.bench` runs them all; `python -m qwright.evals.bench.NAME` runs one.
"""
