"""The command `fer-lib report`: thin words over `report`, `published`, `verifying` and `comparing`."""

import sys

import click

FINDINGS = 1


@click.command()
@click.option("--profile", help="Profile whose runs are shown; the one that ran last by default.")
@click.option("--publish", is_flag=True, help="First publish the numbers of the paper profile's runs.")
@click.option("--verify", is_flag=True, help="Instead compute all published numbers anew from their probabilities.")
@click.option("--compare", "pair", nargs=2, metavar="A B", help="Instead set two runs side by side, image by image.")
@click.option("--split", type=click.Choice(["test", "validation", "train"]), help="Of --compare.  [default: test]")
@click.option("--view", help="Of --compare: of the images, single or ten_crops.  [default: single]")
def report(
    profile: str | None,
    publish: bool,
    verify: bool,
    pair: tuple[str, str] | None,
    split: str | None,
    view: str | None,
) -> None:
    """Build reports/index.html again, compare two runs, or verify what is published.

    Publishing copies numbers to reports/published, and writes its pages and the README's table from them. Verifying
    prints what does not follow from the published probabilities and, where FER2013 is found, from its labels; exits
    with 1 if there is any such number.

    A and B are folders of runs, or their names: shi_light_vgg/lda/seed-0, with a profile or "published" in front where
    there are several (--profile says it for both). What differs is printed, and written to a page in reports/compare
    with a table of every image that the two put into different classes.
    """
    if publish + verify + bool(pair) > 1:
        raise click.UsageError("--publish, --verify and --compare do not go with one another.")
    if (split or view) and not pair:
        raise click.UsageError("--split and --view go with --compare.")
    if verify and profile:
        raise click.UsageError("--verify is about what is published and does not go with --profile.")
    if pair:
        _compare(pair, profile, split or "test", view or "single")
    elif verify:
        _verify()
    else:
        _build(profile, publish)


def _build(profile: str | None, publish: bool) -> None:
    from fer_lib import runner
    from fer_lib.notebooks import find_profiles

    if profile is not None and profile not in find_profiles():
        raise ValueError(f"profile must be one of {', '.join(find_profiles())}. Received: {profile!r}")
    if publish:
        _publish()
    click.echo(runner.write_reports(profile))


def _publish() -> None:
    from fer_lib import paths, published, report

    for run in published.publish(paths.runs_folder()):
        click.echo(f"published {run.folder}")
    for path in report.write_results():
        click.echo(path)
    report.update_readme()


def _verify() -> None:
    from fer_lib import datasets, paths, published, verifying

    path = paths.find_data(None)
    data = datasets.load_data(path) if path else None
    runs = published.published_runs()
    findings = verifying.verify_published(data=data)
    for finding in findings:
        click.echo(finding)
    checked = sum(data is not None and verifying.is_made_on(run, data) for run in runs)
    labels = f"{checked} against the labels of {path}" if path else "none against labels, FER2013 was not found"
    click.echo(f"{len(runs)} published runs checked, {labels}: {len(findings) or 'no'} findings")
    sys.exit(FINDINGS if findings else 0)


def _compare(pair: tuple[str, str], profile: str | None, split: str, view: str) -> None:
    from fer_lib import comparing

    a, b = (comparing.find_run(name, profile) for name in pair)
    found = comparing.compare_runs(a, b, split, view)
    elsewhere = comparing.compare_elsewhere(found)
    click.echo(comparing.describe_comparison(found, elsewhere))
    click.echo(f"\n{comparing.write_comparison(found, elsewhere)}")
