"""``eistool merge``: tables of a run that was computed in shards."""

import shutil
from pathlib import Path

import click

from eistool.cli.rerun import arguments_of, settings_of_run, working_folder
from eistool.errors import ConfigError


@click.command(
    epilog="""\b
Examples:
  eistool merge results
  eistool merge all-results shard-1 shard-2 shard-3
"""
)
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="OUT [FOLDER]...")
@click.pass_context
def command(context: click.Context, folders: tuple[Path, ...]) -> None:
    """Write the tables of runs with --shard.

    OUT is the result folder that all shards had in common; or a new one, that takes the records of the result
    FOLDERs of the shards. The command of the shards is repeated without computing anything: a sweep that no shard
    has finished becomes a row in failures.csv.

    Exit codes: those of the command; 1 if a sweep is missing.
    """
    from eistool.batch.files import read_run
    from eistool.batch.generation import PRIVATE
    from eistool.cli import main
    from eistool.readers import RUN, is_result_folder

    out = folders[0].resolve()
    for folder in folders if len(folders) == 1 else folders[1:]:
        if not is_result_folder(folder):
            raise ConfigError(f"{folder}: no result folder; expected one with a {RUN} of eistool")
    for folder in folders[1:]:
        target = out / PRIVATE / "records"
        target.mkdir(parents=True, exist_ok=True)
        for path in sorted((folder / PRIVATE / "records").glob("*.jsonl")):
            temporary = target / f"{path.name}.tmp"
            shutil.copyfile(path, temporary)
            temporary.replace(target / path.name)
    path = (folders[1] if len(folders) > 1 else out).resolve() / RUN
    run = read_run(path.parent)
    arguments = arguments_of(path, run, without=("--out", "--shard", "--jobs"), flags=("--force",))
    settings = settings_of_run(path, run)
    with working_folder(path, run):
        code = main.main(
            [*arguments, "--no-compute", "--out", str(out)], "eistool", obj=settings, standalone_mode=False
        )
    context.exit(code)
