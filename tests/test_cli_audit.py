"""`fer-lib data audit`: the list it writes and what it prints."""

import re
from pathlib import Path

import pandas as pd
import pytest
from audited_data import make_audited, make_votes, write_csv, write_votes
from click.testing import CliRunner, Result

from fer_lib.audit import REASONS, audit_dataset, write_audit
from fer_lib.cli import main
from fer_lib.datasets import load_data


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("audited") / "fer2013.csv", make_audited())


def test_the_list_is_written_and_counted(csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FERPLUS_CSV", raising=False)
    votes, output = write_votes(tmp_path / "votes.csv", make_votes(make_audited())), tmp_path / "list.csv"

    done = CliRunner().invoke(
        main,
        ["data", "audit", str(csv), "--votes", str(votes), "--output", str(output), "--seed", "3", "--label-noise"],
    )

    assert done.exit_code == 0, done.output
    table = pd.read_csv(output)
    assert list(table.columns) == ["row", "split", "label", "reason", "evidence"]
    assert set(table["reason"]) <= set(REASONS)
    printed = {line.split()[0]: line.split()[1:] for line in done.output.splitlines() if line.strip()}
    assert printed["angry"][-1] == "all"
    for reason in REASONS:
        assert int(printed[reason][-1]) == (table["reason"] == reason).sum()
    assert int(printed["label_noise"][-1]) > 0
    assert printed["votes"] == [str(votes)]
    assert re.search(r"they agree on \d+\.\d%, kappa -?\d\.\d{3}", done.output)
    precision = re.search(r"precision (\d\.\d\d) \(by chance 0\.50;", done.output)
    assert precision and float(precision[1]) > 0.75
    assert done.output.splitlines()[-1] == str(output)


def test_without_votes_the_cascade_decides_and_a_list_of_another_seed_is_replaced(
    csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FERPLUS_CSV", raising=False)
    data = load_data(csv)
    first = audit_dataset(data)
    seed, expected = next(
        (seed, table) for seed in range(1, 8) if not (table := audit_dataset(data, seed=seed)).equals(first)
    )
    write_audit(first, tmp_path / "list.csv")

    done = CliRunner().invoke(
        main, ["data", "audit", str(csv), "--output", str(tmp_path / "list.csv"), "--seed", str(seed)]
    )

    assert done.exit_code == 0, done.output
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "list.csv"), expected)
    printed = {line.split()[0]: line.split()[1:] for line in done.output.splitlines() if line.strip()}
    assert " ".join(printed["votes"]) == "none: the Haar cascade alone says what is no face"
    assert " ".join(printed["twins"]) == "in Training: 1 of 14 of validation, 0 of 14 of test"
    assert "cascade" not in printed and printed["label_noise"][-1] == "0"


def test_votes_that_do_not_fit_are_one_line_of_error(csv: Path, tmp_path: Path) -> None:
    votes = write_votes(tmp_path / "votes.csv", make_votes(make_audited()).iloc[:5])

    done = CliRunner().invoke(
        main, ["data", "audit", str(csv), "--votes", str(votes), "--output", str(tmp_path / "a.csv")]
    )

    assert done.exit_code == 2
    assert done.output.splitlines() == [f"Error: {votes}: there must be 98 rows, as many as of the data. Received: 5"]
    assert not (tmp_path / "a.csv").exists()


def audit_into(csv: Path, output: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["data", "audit", str(csv), "--output", str(output), *options])


@pytest.mark.parametrize("name", ["fer2013.csv", "link.csv", "votes.csv"])
def test_what_the_list_is_made_from_is_not_replaced_by_it(tmp_path: Path, name: str) -> None:
    csv = write_csv(tmp_path / "fer2013.csv", make_audited())
    votes = write_votes(tmp_path / "votes.csv", make_votes(make_audited()))
    (tmp_path / "link.csv").symlink_to(csv)
    before = (tmp_path / name).read_bytes()

    done = audit_into(csv, tmp_path / name, "--votes", str(votes))

    assert done.exit_code == 2
    expected = f"Error: {tmp_path / name} must be a new file or the list of an earlier audit. Received: "
    assert done.output.splitlines() == [f"{expected}a file that the list is made from"]
    assert (tmp_path / name).read_bytes() == before and (tmp_path / "link.csv").is_symlink()


@pytest.mark.parametrize("content", ["precious", "", "row,split,label,reason\n0,train,3,blank\n"])
def test_a_file_that_is_no_list_is_not_replaced(csv: Path, tmp_path: Path, content: str) -> None:
    output = tmp_path / "notes.csv"
    output.write_text(content, encoding="utf-8")

    done = audit_into(csv, output)

    assert done.exit_code == 2
    expected = f"Error: {output} must be a new file or the list of an earlier audit. Received: another file"
    assert done.output.splitlines() == [expected]
    assert output.read_text(encoding="utf-8") == content
