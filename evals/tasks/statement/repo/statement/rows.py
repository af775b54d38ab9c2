"""The rows of a statement."""

import csv
from dataclasses import dataclass

from statement.money import cents
from statement.text import read_text

COLUMNS = ("Date", "Payee", "Amount")


@dataclass(frozen=True)
class Row:
    date: str
    payee: str
    cents: int


def read_rows(path):
    """All rows of the file. Raises ValueError that names a missing column."""
    lines = read_text(path).splitlines()
    separator = ";" if ";" in lines[0] else ","
    reader = csv.DictReader(lines, delimiter=separator)
    names = reader.fieldnames or []
    for column in COLUMNS:
        if column not in names:
            raise ValueError(f"{path}: there is no column {column}")
    return [Row(row["Date"], row["Payee"].strip(), cents(row["Amount"])) for row in reader]
