"""Runs by the names that people type: a folder, or `[profile/]paper/variant/seed-n`; `published` is a profile too."""

from collections.abc import Mapping
from difflib import SequenceMatcher
from pathlib import Path

from fer_lib import paths
from fer_lib.runs import OBSTACLE, Run, find_runs, read_obstacles

PUBLISHED = "published"
"""What stands in place of the profile in the names of published runs."""

LEVELS = ("profile", "paper", "variant", "seed-n")
"""Parts of a name."""

NEARBY = 6
"""Names that an error offers."""


def known_runs(runs: Path | None = None, published: Path = paths.PUBLISHED) -> dict[str, Run]:
    """Every complete run that has a name: `profile/paper/variant/seed-n`, and `published/paper/variant/seed-n`.

    Args:
        runs: folder of run folders, `paths.runs_folder()` by default.
        published: folder of published numbers.
    """
    runs = Path(runs) if runs is not None else paths.runs_folder()
    profiles = sorted(folder.name for folder in runs.glob("*/")) if runs.is_dir() else []
    found = {PUBLISHED: find_runs(Path(published).parent, Path(published).name)}
    found |= {profile: find_runs(runs, profile) for profile in profiles}
    return {"/".join((profile, *run.folder.parts[-3:])): run for profile, members in found.items() for run in members}


def find_run(name: str, profile: str | None = None, runs: Path | None = None, published: Path = paths.PUBLISHED) -> Run:
    """Find a complete run by what a person calls it.

    Args:
        name: path of a run folder, `paper/variant/seed-n`, or the same with a profile or `published` in front. What
            begins with a dot, a tilde or a slash is a path and nothing else.
        profile: where a name without one is looked for; in every profile and in the published numbers by default.
        runs: folder of run folders, `paths.runs_folder()` by default.
        published: folder of published numbers.

    Raises:
        ValueError: if there is no such run, it is not complete or damaged, or several are called so; names what is
            nearby.
    """
    text = str(name).strip()
    path = Path(text).expanduser()
    known = known_runs(runs, published)
    plain = "/".join(part for part in text.split("/") if part)
    wanted = {plain, f"{profile}/{plain}"} if profile else {plain, *(f"{_profile(own)}/{plain}" for own in known)}
    found = {} if text.startswith((".", "~", "/")) else {own: run for own, run in known.items() if own in wanted}
    folders = {run.folder.resolve() for run in found.values()}
    if text and path.is_dir() and path.resolve() not in folders and (_looks_like_a_run(path) or not found):
        found[str(path.resolve())] = _complete(path, text, known)
    if len(found) > 1:
        raise ValueError(f"several runs are called so: {', '.join(found)}; name one of them. Received: {text!r}")
    if not found:
        raise ValueError(f"{_describe_nearby(plain, known)}. Received: {text!r}")
    return _readable(next(iter(found.values())))


def name_run(run: Run, runs: Path | None = None, published: Path = paths.PUBLISHED) -> str:
    """The name that `find_run` knows a run by; its folder where it stands in neither place."""
    folder = run.folder.resolve()
    runs = Path(runs) if runs is not None else paths.runs_folder()
    if folder.is_relative_to(Path(published).resolve()):
        return f"{PUBLISHED}/{folder.relative_to(Path(published).resolve()).as_posix()}"
    return folder.relative_to(runs.resolve()).as_posix() if folder.is_relative_to(runs.resolve()) else str(folder)


def _profile(name: str) -> str:
    return name.split("/")[0]


def _looks_like_a_run(folder: Path) -> bool:
    return any((folder / name).exists() for name in ("config.json", "metrics.json", OBSTACLE))


def _complete(folder: Path, text: str, known: Mapping[str, Run]) -> Run:
    run = Run(folder.resolve())
    if run.is_complete:
        return run
    if not _looks_like_a_run(folder):
        inside = [name for name, other in known.items() if other.folder.resolve().is_relative_to(run.folder)]
        inside = inside or sorted(path.parent.name for path in folder.glob("seed-*/metrics.json"))
        offered = f"; below it are {_some(inside)}" if inside else ""
        raise ValueError(f"a run folder holds metrics.json, this one does not{offered}. Received: {text!r}")
    reasons = read_obstacles(run.folder.parents[1]) if (folder / OBSTACLE).exists() else {}
    told = [reason for (variant, seed), reason in reasons.items() if run.folder.parts[-2:] == (variant, f"seed-{seed}")]
    because = f"could not be made: {told[0]}" if told else "is not complete: metrics.json, written last, is missing"
    raise ValueError(f"that run {because}. Received: {text!r}")


def _readable(run: Run) -> Run:
    if run.request["data"]["sha256"] and run.metrics:
        return run
    raise ValueError(f"config.json and metrics.json must be those of a run, whole. Received: {run.folder}")


def _describe_nearby(name: str, known: Mapping[str, Run]) -> str:
    if not known:
        return "there is no complete run yet, neither trained nor published"
    nearest = sorted(known, key=lambda own: (name not in own, -_likeness(name, own), own))
    return f"a run must be the folder of one or [profile/]paper/variant/seed-n, among others {_some(nearest)}"


def _likeness(name: str, own: str) -> float:
    tail = own.partition("/")[2]
    return max(SequenceMatcher(None, name, text).ratio() for text in (own, tail))


def _some(names: list[str]) -> str:
    rest = len(names) - NEARBY
    return ", ".join(names[:NEARBY]) + (f" (and {rest} more)" if rest > 0 else "")
