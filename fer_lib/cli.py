"""The command `fer-lib`: thin words over `runner`, `training`, `audit` and `sample`.

Everything is imported by the command that needs it, so that help and mistakes in usage answer at once.
"""

import linecache
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from fer_lib.aligned import align
from fer_lib.cli_predict import predict
from fer_lib.cli_report import report
from fer_lib.start_up import hold_back_messages

FAILED = 1
USAGE_ERROR = 2
INTERRUPTED = 130
PACKAGE = Path(__file__).parent
NEW_FILE = click.Path(path_type=Path, dir_okay=False, writable=True)


class _Commands(click.Group):
    """A group that prints what a user can mend, a ValueError of ours or a file's, as one line, and exits with 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (ValueError, OSError) as error:
            if not _is_told_by_us(error):
                raise
            click.echo(f"Error: {' '.join(str(error).split())}", err=True)
            ctx.exit(USAGE_ERROR)


def _is_told_by_us(error: Exception) -> bool:
    """Whether an error is of a file, or raised by this package on purpose; of a library's a traceback tells more."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    file = frame.f_code.co_filename
    is_ours = Path(file).is_relative_to(PACKAGE) and linecache.getline(file, line).lstrip().startswith("raise ")
    return is_ours or (isinstance(error, OSError) and error.filename is not None)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fer_lib")
def main() -> None:
    """Replicate papers on facial expression recognition, claim by claim."""


@main.command("list")
def list_() -> None:
    """List the notebooks, the papers and their variants."""
    from fer_lib import papers
    from fer_lib.notebooks import find_notebooks, read_notebook

    _echo_table([[path.stem, read_notebook(path).title] for path in find_notebooks()])
    for card in map(papers.load, papers.ids()):
        click.echo(f"\n{card.id}: {card.title}")
        _echo_table([[f"  {name}", variant.description] for name, variant in card.variants.items()])


@main.group()
def data() -> None:
    """Check a data set, or write the built-in sample."""


@data.command()
@click.argument("path", type=click.Path(path_type=Path))
def verify(path: Path) -> None:
    """Check FER2013 at PATH, and count what it holds.

    Prints rows, classes per split, duplicates, leaks between splits and the sha256. PATH may be "sample", for the
    built-in one.
    """
    from fer_lib import audit, datasets

    click.echo(audit.describe(audit.summarize(datasets.load_data(path))))


@data.command("audit")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--output", default="audit.csv", show_default=True, type=NEW_FILE, help="The list.")
@click.option("--votes", type=click.Path(path_type=Path), help="FER+ votes, where not found by themselves.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of the copies that are kept.")
@click.option("--label-noise", is_flag=True, help="Also list labels that a model of the other images doubts.")
def audit_(path: Path, output: Path, votes: Path | None, seed: int, label_noise: bool) -> None:
    """List what is wrong with single images at PATH.

    The list holds row, split, label, reason and evidence of FER2013's images; it takes a minute or two for all of them.
    Prints the counts per reason and class, how many held-out images have a twin in Training (equal, near or mirrored),
    how often FER+ votes and the Haar cascade agree on what is no face, and how good the search for partly hidden faces
    is on drawn ones. PATH may be "sample", for the built-in one. A list that was written before is replaced, no other
    file.
    """
    from fer_lib import audit, datasets
    from fer_lib.votes import find_votes_of, read_votes

    data = datasets.load_data(path)
    found = votes or find_votes_of(data)
    audit.check_list_path(output, [data.source, *([found] if found else [])])
    known = None if found is None else read_votes(found, data)
    probabilities = audit.out_of_fold_probabilities(data) if label_noise else None
    table = audit.audit_dataset(data, votes=known, seed=seed, probabilities=probabilities)
    audit.write_audit(table, output)
    counts = audit.count_reasons(table)
    _echo_table([["", *counts.columns], *([str(name), *map(str, line)] for name, line in counts.iterrows())])
    twins = [f"{count:,} of {len(data.splits()[name]):,} of {name}" for name, count in audit.count_twins(data).items()]
    click.echo(f"\ntwins    in Training: {', '.join(twins)}")
    click.echo(f"votes    {found or 'none: the Haar cascade alone says what is no face'}")
    if known is not None:
        click.echo(f"cascade  {audit.compare_with_cascade(data, known).describe()}")
    click.echo(f"trial    of the search for hidden faces, {audit.estimate_hidden().describe()}")
    click.echo(output)


@data.command()
@click.argument("path", metavar="OUT.csv", type=NEW_FILE)
def sample(path: Path) -> None:
    """Write the built-in sample of drawn faces in FER2013's layout to a new file."""
    if path.exists():
        raise ValueError(f"{path} must not be there yet: FER2013 itself may be called so. Received: a file")
    from fer_lib.sample import write_sample_csv

    write_sample_csv(path)
    click.echo(path)


@main.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--profile", default="auto", show_default=True, help="auto, smoke, quick or paper.")
@click.option("-j", "--jobs", type=int, help="Notebooks at the same time.  [default: a core each in smoke, else 1]")
@click.option("-p", "parameters", nargs=2, multiple=True, metavar="NAME VALUE", help="A parameter of the notebooks.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Stop a notebook that takes longer.",
)
@click.option("--resume", is_flag=True, help="Skip notebooks that were completed unchanged before.")
@click.option("--dry-run", is_flag=True, help="Say what would run, and with what.")
def run(
    ids: tuple[str, ...],
    profile: str,
    parameters: tuple[tuple[str, str], ...],
    timeout: float | None,
    dry_run: bool,
    **options: Any,
) -> None:
    """Run notebooks and write their pages.

    An ID is a paper (shi_light_vgg), a notebook (01_shi_light_vgg) or its number; none means all. The profile "auto" is
    paper where FER2013 is found, and smoke where only the built-in sample is. Exits with 1 if a notebook failed, with 2
    if nothing could be started.
    """
    from fer_lib import paths, runner
    from fer_lib.notebooks import parse_value

    _treat_as_interrupt("SIGTERM", "SIGHUP")
    values = {name: parse_value(text) for name, text in parameters}
    profile, _ = runner.plan_jobs(ids, profile, values)
    try:
        outcomes = runner.run_notebooks(ids, profile, values, dry_run=dry_run, timeout_seconds=timeout, **options)
    except KeyboardInterrupt:
        click.echo("Interrupted. What is complete is kept: the same command with --resume goes on.", err=True)
        sys.exit(INTERRUPTED)
    reports = paths.reports_folder()
    rows = [["notebook", "status", "seconds", "report"]]
    for outcome in outcomes:
        seconds = "" if outcome.seconds is None else f"{outcome.seconds:.0f}"
        rows.append([outcome.notebook, outcome.status, seconds, str(reports / outcome.html) if outcome.html else ""])
    click.echo()
    _echo_table(rows)
    failed = [outcome for outcome in outcomes if outcome.error]
    for outcome in failed:
        click.echo(
            f"\n{outcome.notebook} failed; see {reports / 'notebooks' / outcome.notebook}.ipynb and .log beside it"
        )
        click.echo(outcome.error)
    if not dry_run:
        click.echo(f"\n{runner.write_reports(profile)}")
    sys.exit(FAILED if failed else 0)


@main.command()
@click.argument("paper")
@click.argument("variant")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
@click.option("--profile", default="quick", show_default=True, help="smoke, quick or paper.")
@click.option("--epochs", type=click.IntRange(min=1), help="In place of the card's.")
@click.option("--precision", default="auto", show_default=True, help="auto, bfloat16 or float32.")
@click.option("--deterministic", is_flag=True, help="The same weights, bit for bit, each time; slower.")
@click.option("--weights", multiple=True, type=(str, str), metavar="NETWORK FILE", help="In place of ImageNet's.")
def train(
    paper: str, variant: str, seed: int, profile: str, weights: tuple[tuple[str, str], ...], **options: Any
) -> None:
    """Make one training run, or find it complete.

    Prints the data and a line per epoch (on standard error), then its folder and its accuracies.
    """
    from fer_lib import papers
    from fer_lib.budgets import check_budget

    check_budget(options)
    card = papers.load(paper)
    if variant not in card.variants:  # told before TensorFlow is loaded, which takes seconds
        raise ValueError(f"variant must be one of {', '.join(card.variants)}. Received: {variant!r}")
    images = card.budget(profile).images
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with hold_back_messages():
        from fer_lib import datasets, hardware, request, training
        from fer_lib.progress import TO_TERMINAL
        from fer_lib.runs import SPLITS

        hardware.describe_hardware()  # TensorFlow looks for devices, and says what it lacks
    os.environ.setdefault("FER_LIB_PROGRESS", TO_TERMINAL)
    files = request.resolve_weights(card, profile, dict(weights))
    request.check_weights_are_used(card, variant, profile, files)
    data = datasets.load_data("sample" if profile == "smoke" else None, images)
    if data.is_sample and profile != "smoke":
        click.echo("FER2013 was not found: drawn faces take its place, numbers mean nothing for the paper.", err=True)
    click.echo(f"Data: {data.source}", err=True)
    run = training.train(paper, variant, seed, profile, data=data, weights=files, **options)
    click.echo(run.folder)
    for split, views in run.metrics.items():
        if split in SPLITS:
            for view, metrics in views.items():
                click.echo(f"{split} {view}: accuracy {metrics['accuracy']:.4f}")


def _treat_as_interrupt(*names: str) -> None:
    """Let these signals stop the notebooks first; leave alone what is ignored already, as under nohup."""
    for name in names:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def _echo_table(rows: Sequence[Sequence[str]]) -> None:
    click.echo("\n".join(align(rows)))


main.add_command(predict)
main.add_command(report)

if __name__ == "__main__":
    main()
