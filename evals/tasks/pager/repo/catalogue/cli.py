"""python -m catalogue.cli FILE [--page N] [--size N]"""

import argparse
import sys
from pathlib import Path

from catalogue.paging import page
from catalogue.render import draw


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="catalogue")
    parser.add_argument("file", type=Path)
    parser.add_argument("--page", type=int, default=1)
    parser.add_argument("--size", type=int, default=10)
    options = parser.parse_args(arguments)
    items = options.file.read_text(encoding="utf-8").splitlines()
    try:
        shown = page(options.page, len(items), options.size)
    except (LookupError, ValueError) as error:
        print(f"catalogue: {error}", file=sys.stderr)
        return 2
    print(draw(items, shown))
    return 0


if __name__ == "__main__":
    sys.exit(main())
