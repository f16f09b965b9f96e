"""``eistool serve``: a local page to look at results and to refit sweeps."""

import secrets
import socket
import webbrowser
from pathlib import Path

import click

from eistool.cli.output import echo
from eistool.errors import ConfigError

HOST = "127.0.0.1"  # never another: the page can read files that are dropped on it


@click.command(
    epilog="""\b
Example:
  eistool serve results
"""
)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port; by default a free one.")
@click.option("--browser/--no-browser", default=True, show_default=True, help="Open the page in the browser.")
def command(folder: Path, port: int, browser: bool) -> None:
    """Show the report of a result folder on a local page, and refit single sweeps on it.

    Circuit, range, points, weights and bounds of a sweep can be changed, with a refit at every change.
    Accepted choices are written to eistool.toml in the folder; the same fit command then refits these
    sweeps. The page is reachable from this machine alone, by a URL with a secret token. Stop it with Ctrl-C.
    """
    try:
        import uvicorn

        from eistool.cli.server import make_app
        from eistool.jobs.workbench import Workbench

        token = secrets.token_urlsafe(24)
        app = make_app(Workbench(folder), token)
    except ImportError as error:
        raise ConfigError(f"eistool serve needs {error.name}; run pip install 'eistool[serve]'") from error
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen()  # now, so that a browser that is faster than the server waits
    except OSError as error:
        raise ConfigError(f"--port {port}: {error.strerror}; choose another, or none") from error
    url = f"http://{HOST}:{listening.getsockname()[1]}/{token}/"
    echo(f"{folder} at {url}  (stop with Ctrl-C)")
    if browser:
        webbrowser.open(url)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    server.run(sockets=[listening])
