"""`python -m framegan`, and how ranks are started: the same as `framegan`."""

import sys
from pathlib import Path

if not __package__:  # started as a file, beside which framegan's own modules lie
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from framegan import program

program.leave_script_folder()

from framegan.cli.main import main  # noqa: E402

if __name__ == "__main__":
    main()
