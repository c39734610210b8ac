"""`python -m framegan`, and how ranks are started: the same as `framegan`."""

import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
if Path(sys.path[0]) == PACKAGE:  # started as a file; modules in here are no top-level ones
    sys.path[0] = str(PACKAGE.parent)

from framegan.cli.main import main  # noqa: E402

if __name__ == "__main__":
    main()
