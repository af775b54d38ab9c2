"""python -m statement FILE..."""

import sys

from statement.rows import read_rows
from statement.summary import by_payee


def main(arguments):
    try:
        rows = [row for path in arguments for row in read_rows(path)]
    except ValueError as error:
        print(f"statement: {error}", file=sys.stderr)
        return 1
    for payee, amount in by_payee(rows).items():
        print(f"{payee}: {amount / 100:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
