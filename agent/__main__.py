"""`python -m qwright.agent` is the command `qwright`."""

import sys

from qwright.agent.cli import main

if __name__ == "__main__":
    sys.exit(main())
