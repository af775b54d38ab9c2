"""python -m envfile FILE"""

import sys
from pathlib import Path

from envfile import EnvError, parse


def main(arguments):
    try:
        values = parse(Path(arguments[0]).read_text(encoding="utf-8"))
    except EnvError as error:
        print(f"envfile: {error}", file=sys.stderr)
        return 1
    for name in sorted(values):
        print(f"{name}={values[name]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
