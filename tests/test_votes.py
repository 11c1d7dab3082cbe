"""FER+ votes: read in the order of the rows, refused where they do not fit, found where they stand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from audited_data import make_audited, make_votes, write_csv, write_votes

from fer_lib import paths
from fer_lib.datasets import FerDataset, load_fer2013, take_part
from fer_lib.votes import ANSWERS, find_votes_of, read_votes


@pytest.fixture(scope="module")
def data() -> FerDataset:
    return make_audited()


@pytest.fixture
def table(data: FerDataset) -> pd.DataFrame:
    return make_votes(data)


def test_votes_stand_beside_their_rows(data: FerDataset, table: pd.DataFrame, tmp_path: Path) -> None:
    votes = read_votes(write_votes(tmp_path / "votes.csv", table), data)

    assert list(votes.columns) == ["row", "split", *ANSWERS]
    assert votes["row"].tolist() == list(range(98))
    assert votes["split"].tolist() == ["train"] * 70 + ["validation"] * 14 + ["test"] * 14
    assert votes.loc[0, ["neutral", "NF"]].tolist() == [0, 10]
    assert (votes[list(ANSWERS)].dtypes == np.int64).all()


def test_rows_may_be_mixed_between_splits(small_csv: Path, tmp_path: Path) -> None:
    data = load_fer2013(small_csv, tmp_path / "cache")
    table = make_votes(data)
    usage_of = {int(row): name for name, split in data.splits().items() for row in split.rows}
    table["Usage"] = [
        {"train": "Training", "validation": "PublicTest", "test": "PrivateTest"}[usage_of[r]] for r in range(30)
    ]

    votes = read_votes(write_votes(tmp_path / "votes.csv", table), data)

    assert votes["row"].tolist() == list(range(30))
    assert votes["split"].tolist() == [usage_of[row] for row in range(30)]


def test_votes_of_a_part_are_those_of_its_rows(data: FerDataset, table: pd.DataFrame, tmp_path: Path) -> None:
    part = take_part(data, 14)
    votes = read_votes(write_votes(tmp_path / "votes.csv", table), part)

    rows = sorted(int(row) for split in part.splits().values() for row in split.rows)
    assert votes["row"].tolist() == rows and len(rows) < 98
    assert votes["NF"].tolist() == [{0: 10, 1: 1}.get(row, 0) for row in rows]


@pytest.mark.parametrize("images", [None, 14])
def test_votes_are_found_for_all_rows_of_fer2013_and_for_parts_of_them(data, images, tmp_path, monkeypatch) -> None:
    """The file beside the data, where they have as many rows."""
    found = tmp_path / "fer2013new.csv"
    found.touch()
    source = tmp_path / "fer2013.csv"
    source.touch()
    monkeypatch.delenv("FERPLUS_CSV", raising=False)
    monkeypatch.setattr("fer_lib.paths.DATA", tmp_path / "nowhere")
    placed = replace(data, source=str(source))
    wanted = placed if images is None else take_part(placed, images)
    assert find_votes_of(wanted) is None
    monkeypatch.setattr("fer_lib.votes.ROWS", 98)
    assert find_votes_of(wanted) == found


def drop_a_row(table: pd.DataFrame) -> pd.DataFrame:
    return table.iloc[:-1]


def rename_a_column(table: pd.DataFrame) -> pd.DataFrame:
    return table.rename(columns={"NF": "nf"})


def change_a_usage(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(Usage=["PublicTest" if row == 5 else usage for row, usage in enumerate(table["Usage"])])


def shuffle(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table.iloc[:70].sample(frac=1, random_state=0), table.iloc[70:]])


def put(column: str, row: int, value: object):
    def change(table: pd.DataFrame) -> pd.DataFrame:
        changed = table.astype({column: object})
        changed.loc[row, column] = value
        return changed

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop_a_row, r"there must be 98 rows, as many as of the data\. Received: 97$"),
        (rename_a_column, r"the columns must be Usage, Image name, .*NF\. Received: Usage, .*$"),
        (change_a_usage, r"row 5: Usage must be Training, that of the data\. Received: 'PublicTest'$"),
        (shuffle, r"numbered in the order of the rows\. Received: \d+ numbers that fall$"),
        (put("anger", 7, "2.5"), r"row 7: anger must be a whole number of votes\. Received: '2.5'$"),
        (put("NF", 8, -1), r"row 8: NF must be a whole number of votes\. Received: '-1'$"),
        (put("fear", 9, ""), r"row 9: fear must be a whole number of votes\. Received: ''$"),
        (put("fear", 9, "inf"), r"row 9: fear must be a whole number of votes\. Received: 'inf'$"),
    ],
)
def test_what_does_not_fit_is_refused(
    change, message: str, data: FerDataset, table: pd.DataFrame, tmp_path: Path
) -> None:
    path = write_votes(tmp_path / "votes.csv", change(table))

    with pytest.raises(ValueError, match=rf"^{path}: .*{message}"):
        read_votes(path, data)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'a,b\n"1,2'])
def test_a_damaged_file_is_refused(content: bytes, data: FerDataset, tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    path.write_bytes(content)

    with pytest.raises(ValueError, match=rf"^{path}: .* Received: "):
        read_votes(path, data)


def test_a_missing_file_is_told(data: FerDataset, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"the file must be readable as CSV\. Received: .*No such file"):
        read_votes(tmp_path / "none.csv", data)


def test_data_without_the_order_of_the_csv_take_no_votes(data: FerDataset, table: pd.DataFrame, tmp_path: Path) -> None:
    path = write_votes(tmp_path / "votes.csv", table)

    with pytest.raises(ValueError, match="data from a folder"):
        read_votes(path, replace(data, source=str(tmp_path)))
    with pytest.raises(ValueError, match="each row of fer2013.csv once"):
        read_votes(path, replace(data, test=data.validation))


def test_votes_are_found_beside_the_data_or_by_name(
    data: FerDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FERPLUS_CSV", raising=False)
    monkeypatch.setattr(paths, "DATA", tmp_path / "data")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    source = write_csv(folder / "fer2013.csv", data)

    assert paths.find_votes(str(source)) is None
    beside = folder / "fer2013new.csv"
    beside.touch()
    assert paths.find_votes(str(source)) == beside
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "fer2013new.csv").touch()
    assert paths.find_votes(str(source)) == tmp_path / "data" / "fer2013new.csv"
    named = tmp_path / "named.csv"
    monkeypatch.setenv("FERPLUS_CSV", str(named))
    with pytest.raises(FileNotFoundError, match=r"FERPLUS_CSV must name a file that exists\. Received: "):
        paths.find_votes(str(source))
    named.touch()
    assert paths.find_votes(str(source)) == named
    assert paths.find_votes("built-in sample") is None
    assert paths.find_votes(str(folder)) is None


@pytest.mark.data
def test_votes_of_fer2013_fit(fer2013_csv: Path, fer2013_cache: Path) -> None:
    path = Path(__file__).resolve().parents[2] / "shared" / "fer2013" / "fer2013new.csv"
    if not path.exists():
        pytest.skip(f"the FER+ votes are not here: there is no {path}")

    votes = read_votes(path, load_fer2013(fer2013_csv, fer2013_cache))

    assert len(votes) == 35_887
    assert (votes["NF"] >= 5).sum() == 176
