"""The whole test command, ``python -m tests``: style, types, layers and tests, up to the first failure."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
CHECKS = (
    (BIN / "ruff", "check", "."),
    (BIN / "ruff", "format", "--check", "."),
    (BIN / "mypy",),
    (BIN / "lint-imports",),
    (sys.executable, "-m", "pytest", "--numprocesses", "auto", "--quiet"),
)


def main() -> int:
    """Run every check and return the exit code of the first that fails."""
    for check in CHECKS:
        name = " ".join([Path(check[0]).name, *map(str, check[1:])])
        print(f"== {name}", flush=True)  # noqa: T201
        code = subprocess.run(list(map(str, check)), cwd=ROOT, check=False).returncode
        if code:
            print(f"== failed: {name}", flush=True)  # noqa: T201
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
