"""``python -m eistool.cli``."""

from eistool.cli import main

if __name__ == "__main__":
    main(prog_name="eistool")
