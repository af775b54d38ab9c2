"""Checks the fields of web forms."""

from formcheck.form import Form
from formcheck.rules import between, required, unique

__all__ = ["Form", "between", "required", "unique"]
