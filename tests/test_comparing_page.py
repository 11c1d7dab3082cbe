"""`fer-lib report --compare`: what is printed, the page, the table beside it, and mistakes."""

import re

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from compared_runs import calls, write_run
from fake_runs import write_fake_run
from html_pages import Page

from fer_lib.cli import main
from fer_lib.comparing import KINDS, compare_elsewhere, compare_runs, describe_comparison, write_comparison
from fer_lib.files import write_json

N = 140
LABELS = np.arange(N) % 7


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of reports with runs of the paper profile in it: light_vgg of two seeds, lda, and one on the sample."""
    monkeypatch.setenv("FER_LIB_REPORTS", str(tmp_path / "reports"))
    runs = tmp_path / "reports" / "runs"
    for variant, seed, accuracy in (("light_vgg", 0, 0.6), ("light_vgg", 1, 0.62), ("lda", 0, 0.3)):
        write_fake_run(runs, variant=variant, seed=seed, accuracy=accuracy)
    write_fake_run(runs, "smoke", is_sample=True)
    write_fake_run(runs, "smoke", "lda", is_sample=True)
    return tmp_path / "reports"


def fer_lib(*arguments):
    return CliRunner().invoke(main, ["report", *arguments])


LDA, VGG = "paper/shi_light_vgg/lda/seed-0", "paper/shi_light_vgg/light_vgg/seed-1"


def test_the_command_prints_what_differs_and_writes_a_page(site):
    done = fer_lib("--compare", LDA, VGG)
    assert done.exit_code == 0, done.output
    path = site / "compare" / "paper-shi_light_vgg-lda-seed-0--paper-shi_light_vgg-light_vgg-seed-1.html"
    assert done.output.splitlines()[-1] == str(path)
    assert sorted(found.name for found in path.parent.iterdir()) == [f"{path.stem}.changed.csv", path.name]
    from fer_lib.runs import Run

    found = compare_runs(*(Run(site / "runs" / name) for name in (LDA, VGG)))
    changed = found.changed
    for text in (
        f"A  {LDA}",
        f"{100 * found.accuracy.a:.1f} %",
        f"{100 * found.accuracy.difference:+.1f} points",
        f"{found.counts['fixed']} fixed, {found.counts['broken']} broken, {found.counts['still wrong']} still wrong",
        "settings that differ",
        "validation",
        "the 10 strongest changes",
        "paired bootstrap (2,000 resamples",
        "0: ",
    ):
        assert text in " ".join(done.output.split()) or text in done.output
    listed = re.findall(r"^(\d+) +\w+ +\w+ \d\.\d\d ", done.output, flags=re.MULTILINE)
    assert [int(row) for row in listed] == changed["row"].head(10).tolist()


def test_the_page_holds_every_changed_image_and_the_table_beside_it_too(site):
    assert fer_lib("--compare", LDA, VGG).exit_code == 0
    (path,) = (site / "compare").glob("*.html")
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    rows = [(int(tag["data-row"]), tag["data-kind"], tag["data-truth"]) for tag in page.find("tr") if "data-row" in tag]
    table = pd.read_csv(path.with_name(f"{path.stem}.changed.csv"))
    assert rows == list(table[["row", "kind", "true"]].itertuples(index=False, name=None)) and len(rows) > 50
    columns = "row true a a_probability b b_probability a_of_true b_of_true kind strength"
    assert list(table.columns) == columns.split()
    assert set(table["kind"]) == set(KINDS)
    assert f"{path.stem}.changed.csv" in page.having("href")
    assert "not corrected for there being 7" in page.text and "30 in 100" in page.text
    assert "What another seed changes" in page.text


def test_the_page_loads_nothing_and_its_links_hold(site):
    assert fer_lib("--compare", LDA, VGG).exit_code == 0
    (path,) = (site / "compare").glob("*.html")
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert not {tag for tag, _ in page.tags} & {"iframe", "object", "embed", "img"}
    assert not re.search(r"@import|url\(|https?://|src=", text)
    assert page.find("meta", http_equiv="Content-Security-Policy")[0]["content"].startswith("default-src 'none'")
    ids = page.having("id")
    assert len(set(ids)) == len(ids)
    for link in page.having("href"):
        assert link == "data:," or (link[1:] in ids if link.startswith("#") else (path.parent / link).exists())
    assert all("scope" in tag for tag in page.find("th"))
    assert page.find("html", lang="en") and page.find("main", id="main")


def test_the_same_comparison_is_written_in_the_same_bytes(site, tmp_path):
    assert fer_lib("--compare", LDA, VGG).exit_code == 0
    first = {path.name: path.read_bytes() for path in (site / "compare").iterdir()}
    assert fer_lib("--compare", LDA, VGG).exit_code == 0
    assert {path.name: path.read_bytes() for path in (site / "compare").iterdir()} == first


def test_another_split_has_a_page_of_its_own(site):
    names = ("shi_light_vgg/lda/seed-0", "shi_light_vgg/light_vgg/seed-0")
    for split in ("test", "validation", "train"):
        assert fer_lib("--profile", "paper", "--compare", *names, "--split", split).exit_code == 0
    stem = "paper-shi_light_vgg-lda-seed-0--paper-shi_light_vgg-light_vgg-seed-0"
    pages = {path.name.removeprefix(stem) for path in (site / "compare").glob("*.html")}
    assert pages == {".html", "--validation.html", "--train.html"}
    validation = Page((site / "compare" / f"{stem}--validation.html").read_text(encoding="utf-8"))
    assert "accuracies on them flatter" in validation.text


def test_sample_data_is_announced(site):
    done = fer_lib("--profile", "smoke", "--compare", "shi_light_vgg/lda/seed-0", "shi_light_vgg/light_vgg/seed-0")
    assert "NOT COMPARABLE WITH ANY PAPER: sample data" in done.output
    (path,) = (site / "compare").glob("*.html")
    page = Page(path.read_text(encoding="utf-8"))
    assert page.find("div", class_="banner") and "Sample data: these numbers are not comparable" in page.text


def test_a_run_and_itself(site):
    done = fer_lib("--compare", VGG, VGG)
    assert done.exit_code == 0, done.output
    assert "0.0 points" in done.output and "p = 1 (exact)" in done.output
    assert "No image changed its class." in done.output and "No setting differs." in done.output
    (path,) = (site / "compare").glob("*.html")
    page = Page(path.read_text(encoding="utf-8"))
    assert "No image changed its class." in page.text and not page.find("script")


def test_what_stands_in_run_folders_is_escaped(tmp_path):
    evil = "<script>alert(1)</script>"
    a = write_run(tmp_path / "runs", "a", LABELS, calls(LABELS), settings={evil: evil})
    b = write_run(tmp_path / "runs", "b", LABELS, calls((LABELS + 1) % 7))
    config = b.config
    write_json(b.folder / "config.json", {**config, "request": config["request"] | {"variant": evil}})
    found = compare_runs(a, b)
    text = write_comparison(found, folder=tmp_path / "out").read_text(encoding="utf-8")
    assert evil not in text and text.count("&lt;script&gt;alert(1)") >= 3
    assert len(Page(text).find("script")) == 1


def test_classes_without_images_and_rare_changes_are_shown(tmp_path):
    labels = np.zeros(N, int)
    a = write_run(tmp_path / "runs", "a", labels, calls(labels))
    b = write_run(tmp_path / "runs", "b", labels, calls(np.r_[1, labels[1:]]))
    found = compare_runs(a, b)
    assert compare_elsewhere(found) == []
    assert "B is right on 1 image fewer than A, of 140." in describe_comparison(found)
    page = Page(write_comparison(found, folder=tmp_path / "out").read_text(encoding="utf-8"))
    assert len(page.find("tr", data_class="happy")) == 1 and len(page.find("svg")) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--compare", LDA, "shi_light_vgg/vgg/seed-0"], "a run must be the folder of one or"),
        (["--compare", LDA, "shi_light_vgg/light_vgg/seed-0"], "several runs are called so: "),
        (["--compare", LDA, "smoke/shi_light_vgg/lda/seed-0"], "rows of two runs must be of the same data"),
        (["--compare", LDA, VGG, "--view", "ten_crops"], "must hold predictions of test (ten_crops)"),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_exit_code_2(site, arguments, message):
    done = fer_lib(*arguments)
    assert done.exit_code == 2
    assert done.output.startswith("Error: ") and message in done.output and done.output.count("\n") == 1
    assert not (site / "compare").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--compare", LDA], "requires 2 arguments"),
        (["--compare", LDA, VGG, "--publish"], "do not go with one another"),
        (["--split", "test"], "--split and --view go with --compare"),
        (["--view", "single"], "--split and --view go with --compare"),
        (["--compare", LDA, VGG, "--split", "dev"], "is not one of 'test', 'validation', 'train'"),
    ],
)
def test_options_that_do_not_go_together_are_usage_errors(site, arguments, message):
    done = fer_lib(*arguments)
    assert done.exit_code == 2 and message in done.output
    assert not (site / "compare").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [({"as_published": False}, "Not the published FER2013"), ({"shortened": True}, "Shortened budget of A and B")],
)
def test_the_page_says_in_its_own_letters_why_it_is_not_comparable(tmp_path, options, told):
    a, b = (write_fake_run(tmp_path, seed=seed, **options) for seed in (0, 1))
    page = Page(write_comparison(compare_runs(a, b), folder=tmp_path).read_text(encoding="utf-8"))
    assert f"{told}: these numbers are not comparable with any paper." in page.text
