"""python -m nextrun LINE --after TIME [--count N]"""

import argparse
import sys
from datetime import datetime

from nextrun import BadLine, NeverRuns, Schedule


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="nextrun")
    parser.add_argument("line")
    parser.add_argument("--after", type=datetime.fromisoformat, required=True)
    parser.add_argument("--count", type=int, default=1)
    options = parser.parse_args(arguments)
    try:
        moment = options.after
        schedule = Schedule(options.line)
        for _ in range(options.count):
            moment = schedule.after(moment)
            print(moment.strftime("%a %Y-%m-%d %H:%M"))
    except (BadLine, NeverRuns) as error:
        print(f"nextrun: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
