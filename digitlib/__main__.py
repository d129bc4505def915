"""`python -m digitlib` is the command `digitlib`, where no folder of commands is on the path."""

import sys

from digitlib.cli import main

if __name__ == "__main__":
    sys.exit(main())
