"""python -m lockdown INDEX REQUIREMENT..."""

import sys

from lockdown.index import Index
from lockdown.requirement import parse
from lockdown.resolve import NoSolution, resolve


def main(arguments):
    path, *texts = arguments
    try:
        picked = resolve(Index.read(path), [parse(text) for text in texts])
    except (NoSolution, ValueError) as error:
        print(f"lockdown: {error}", file=sys.stderr)
        return 1
    for name in sorted(picked):
        print(f"{name}=={picked[name].text}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
