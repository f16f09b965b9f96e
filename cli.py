"""Run the command line from a checkout: ``python cli.py fit data``."""

from eistool.cli import main

if __name__ == "__main__":
    main()
