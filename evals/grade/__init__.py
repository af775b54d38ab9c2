"""Judging a patch in a fresh container: a verdict that the patch cannot print itself."""
