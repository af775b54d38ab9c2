"""Runs of an eval: jobs, what one costs, what is kept of it, and who works on them."""
