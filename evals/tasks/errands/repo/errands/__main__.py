"""python -m errands FILE add|list|done ..."""

import argparse
import sys

from errands.store import Store
from errands.view import line, show


def main(arguments=None):
    options = _parser().parse_args(arguments)
    store = Store(options.file)
    try:
        print(options.run(store, options))
    except LookupError as error:
        print(f"errands: {error}", file=sys.stderr)
        return 1
    return 0


def _parser():
    parser = argparse.ArgumentParser(prog="errands")
    parser.add_argument("file")
    commands = parser.add_subparsers(required=True)
    add = commands.add_parser("add")
    add.add_argument("text")
    add.set_defaults(run=lambda store, options: line(store.add(options.text)))
    listing = commands.add_parser("list")
    listing.set_defaults(run=lambda store, options: show(store.items))
    done = commands.add_parser("done")
    done.add_argument("number", type=int)
    done.set_defaults(run=lambda store, options: line(store.finish(options.number)))
    return parser


if __name__ == "__main__":
    sys.exit(main())
