import re

import pytest
from fake_runs import PAPER, write_fake_run, write_fake_runs
from html_pages import STATUSES, Page, claims_of, write_index

from fer_lib import papers, report
from fer_lib.claims import RULES, judge
from fer_lib.paths import PROJECT, PUBLISHED
from fer_lib.published import publish, published_runs
from fer_lib.runs import find_runs
from fer_lib.summaries import summarise

CLAIMS = [claim.id for claim in papers.load(PAPER).claims]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Published runs, and a reader's runs of the paper profile and of the sample."""
    root = tmp_path_factory.mktemp("site")
    write_fake_runs(root / "ours")
    publish(root / "ours", destination=root / "published")
    write_fake_runs(root / "reports" / "runs", without=("qda",))
    write_fake_runs(root / "reports" / "runs", "smoke", is_sample=True)
    write_fake_run(root / "reports" / "runs", "quick", shortened=True)
    return root


def test_the_index_lists_the_notebooks_with_status_time_and_link(site):
    page = Page(write_index(site, "paper"))
    rows = page.find("tr", data_status="completed") + page.find("tr", data_status="failed")
    assert page.text.index("01_shi_light_vgg failed.") < page.text.index("Headlines")
    assert [row["data-notebook"] for row in rows] == ["00_dataset", "01_shi_light_vgg"]
    assert page.find("a", href="00_dataset.html")
    assert not page.find("a", href="01_shi_light_vgg.html")
    assert "12 s" in page.text and "What went wrong in 01_shi_light_vgg" in page.text


def test_the_index_gives_every_claim_our_verdict_and_the_readers(site):
    text = write_index(site, "paper")
    page = Page(text)
    assert re.findall(r'data-claim="([^"]+)"', claims_of(text, PAPER)) == CLAIMS
    card = papers.load(PAPER)
    ours = judge(card, published_runs(PAPER, site / "published"))
    theirs = judge(card, find_runs(site / "reports" / "runs", "paper", PAPER))
    shown = re.findall(r'data-verdict="([^"]+)"', claims_of(text, PAPER))
    assert shown == [judgement.verdict for pair in zip(ours, theirs, strict=True) for judgement in pair]
    for judgement in (*ours, *theirs):
        for part in (judgement.says, judgement.where, judgement.published, judgement.reason, judgement.rule):
            assert " ".join(part.split()) in page.text
    assert "not run" in shown and "no run of qda (seed 0)" in page.text


def test_the_index_says_what_was_run_where_and_how_verdicts_are_made(site):
    page = Page(write_index(site, "paper"))
    for fact in (
        "18" * 32,
        "0123456789ab",
        "tensorflow 2.21.0",
        "A processor, 2 cores, 15.6 GiB",
        "bfloat16",
        "7 min 37 s",  # 8 epochs of 57 s
    ):
        assert fact in page.text
    assert len(page.having("data-seed")) == len(published_runs(folder=site / "published")) * 2 - 1
    for name, rule in RULES:
        assert name in page.text and " ".join(rule.split()) in page.text


def test_sample_data_is_announced_and_never_judged(site):
    text = write_index(site, "smoke")
    page = Page(text)
    assert page.find("div", class_="banner")
    assert "Sample data: numbers are not comparable with the paper." in page.text
    assert page.text.index("Sample data: numbers") < page.text.index("replicated claim by claim")
    assert set(re.findall(r'data-verdict="([^"]+)"', claims_of(text, PAPER))[1::2]) == {"none"}
    assert claims_of(text, PAPER).count("sample data</span> sample data") == len(CLAIMS)


def test_data_that_are_not_the_published_fer2013_are_announced_and_never_judged(tmp_path):
    write_fake_runs(tmp_path / "reports" / "runs", as_published=False)
    text = write_index(tmp_path, "paper")
    assert "Not the published FER2013: numbers are not comparable with the paper." in Page(text).text
    assert set(re.findall(r'data-verdict="([^"]+)"', claims_of(text, PAPER))) == {"not run", "none"}
    assert claims_of(text, PAPER).count("published FER2013</span> not the published FER2013") == len(CLAIMS)


@pytest.mark.parametrize(
    ("options", "told", "others"),
    [
        ({"as_published": False}, "a file with other counts than FER2013's", ("fewer epochs", "drawn faces")),
        ({"shortened": True}, "trained for fewer epochs than the paper", ("other counts", "drawn faces")),
        ({"is_sample": True}, "the built-in sample of drawn faces", ("other counts", "fewer epochs")),
    ],
)
def test_a_reader_is_told_why_there_is_no_verdict_and_what_to_do(tmp_path, options, told, others):
    write_fake_run(tmp_path / "reports" / "runs", **options)
    why = re.search(r'<aside class="banners-more".*?</aside>', write_index(tmp_path, "paper"), re.DOTALL)[0]
    assert told in Page(why).text and not any(other in Page(why).text for other in others)
    assert ("<code>fer-lib data verify PATH</code>" in why) == ("as_published" in options)
    assert ("<code>--profile paper</code>" in why) == ("shortened" in options)


def test_a_shortened_budget_is_announced(site):
    page = Page(write_index(site, "quick"))
    assert "Shortened budget: numbers are not comparable with the paper." in page.text
    assert "no verdict shortened budget" in page.text


def test_no_banner_where_numbers_are_comparable(site):
    page = Page(write_index(site, "paper"))
    assert not page.find("div", class_="banner") and "not comparable" not in page.text


def test_no_stand_in_is_named_where_there_is_none(site):
    for profile in ("paper", "smoke"):
        assert "stand-in for" not in write_index(site, profile).lower()
    for path in report.write_results(site / "published"):
        assert "stand-in for" not in path.read_text(encoding="utf-8").lower()


def test_what_others_wrote_is_escaped(site):
    text = write_index(site, "paper")
    assert len(Page(text).find("script")) == 1
    assert "&lt;script&gt;x&lt;/script&gt;" in text


@pytest.mark.parametrize("profile", ["paper", "smoke", "quick", "nothing"])
def test_pages_load_nothing_and_their_own_links_hold(site, profile):
    text = write_index(site, profile, STATUSES[1:])
    page = Page(text)
    assert not {tag for tag, _ in page.tags} & {"iframe", "object", "embed", "img"}
    assert not re.search(r"@import|url\(|https?://|src=| style=| on[a-z]+=", text)
    assert [attrs["href"] for attrs in page.find("link")] == ["data:,"]
    ids = page.having("id")
    assert len(set(ids)) == len(ids)
    for link in (attrs["href"] for attrs in page.find("a")):
        assert link[1:] in ids if link.startswith("#") else (site / "reports" / link).exists()


def test_an_index_without_any_run_says_so(tmp_path):
    page = Page(report.write_index(tmp_path, "quick", [], tmp_path / "published").read_text(encoding="utf-8"))
    assert "There are no runs of this profile yet" in page.text and "no run yet; 54 claims wait for it" in page.text
    assert "nothing yet; 54 claims wait for it" in page.text and "no run of yours yet" in page.text
    assert not page.find("section", id="notebooks")


def test_a_reader_with_other_data_is_told(site, tmp_path):
    run = write_fake_run(tmp_path / "runs", variant="lda")
    config = (run.folder / "config.json").read_text().replace("18" * 32, "77" * 32)
    (run.folder / "config.json").write_text(config)
    page = Page(report.write_index(tmp_path, "paper", [], site / "published").read_text(encoding="utf-8"))
    assert "Your data is not, byte for byte, the data of the published runs" in page.text
    assert "77" * 32 in page.text


def test_results_are_built_from_published_numbers_alone_and_always_the_same(site):
    paths = report.write_results(site / "published")
    first = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in report.write_results(site / "published")] == first
    page = Page(first[1].decode())
    assert page.text.lower().count("your own run") == 1  # where the third column comes from
    assert "your run" not in page.text.lower() and "your verdict" not in page.text.lower()
    links = {attrs["href"] for attrs in page.find("a")}
    assert f"{PAPER}/light_vgg/seed-2/metrics.json" in links
    assert all(link.startswith("#") or (site / "published" / link).exists() for link in links)


def test_results_in_markdown_hold_a_row_for_every_claim(site):
    path = report.write_results(site / "published")[0]
    text = path.read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    claims = rows[2 : 2 + len(CLAIMS)]
    judgements = judge(papers.load(PAPER), published_runs(PAPER, site / "published"))
    for line, judgement in zip(claims, judgements, strict=True):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        assert len(cells) == 8 and cells[5] == str(judgement.n_seeds) and cells[6].endswith(judgement.verdict)


def test_the_readme_gets_its_table_between_the_markers_and_keeps_the_rest(site, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("# Title\n<!-- results -->\nold | table\n<!-- /results -->\nThe end.\n", encoding="utf-8")
    report.update_readme(readme, site / "published")
    once = readme.read_text(encoding="utf-8")
    assert once.startswith("# Title\n<!-- results -->\n") and once.endswith("\n<!-- /results -->\nThe end.\n")
    assert "old | table" not in once
    assert re.search(r"\| The test accuracy of the CNN was 58\.6 % \| 58\.6 % \| \S+ % \[.+\] \| 3 \| \S+ \w+ \|", once)
    assert "RESULTS.md" not in once  # the published folder is not below this README
    report.update_readme(readme, site / "published")
    assert readme.read_text(encoding="utf-8") == once


def test_the_readme_links_the_results_below_it(site):
    report.write_results(site / "published")
    readme = site / "README.md"
    readme.write_text("<!-- results --><!-- /results -->", encoding="utf-8")
    report.update_readme(readme, site / "published")
    assert "[RESULTS.md](published/RESULTS.md)" in readme.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    ["nothing", "<!-- results -->", "<!-- /results --><!-- results -->", 2 * "<!-- results -->\n<!-- /results -->\n"],
)
def test_a_readme_without_its_markers_is_refused_and_left_alone(tmp_path, text):
    readme = tmp_path / "README.md"
    readme.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="once each. Received"):
        report.update_readme(readme, tmp_path)
    assert readme.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.04, "0.0 s"),
        (9.4, "9.4 s"),
        (43, "43 s"),
        (125, "2 min 5 s"),
        (3599.6, "1 h 0 min"),
        (4321, "1 h 12 min"),
    ],
)
def test_times_are_told_as_people_tell_them(seconds, text):
    assert report.format_seconds(seconds) == text


def test_the_committed_results_are_what_the_committed_numbers_say(tmp_path):
    if not published_runs():
        pytest.skip("nothing is published yet")
    committed = {name: (PUBLISHED / name).read_bytes() for name in ("RESULTS.md", "index.html")}
    copy = tmp_path / "published"
    for path in (path for path in PUBLISHED.rglob("*") if path.is_file()):
        (copy / path.relative_to(PUBLISHED)).parent.mkdir(parents=True, exist_ok=True)
        (copy / path.relative_to(PUBLISHED)).write_bytes(path.read_bytes())
    assert {path.name: path.read_bytes() for path in report.write_results(copy)} == committed


def test_the_committed_readme_shows_the_committed_numbers(tmp_path):
    if not published_runs():
        pytest.skip("nothing is published yet")
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    report.update_readme(tmp_path / "README.md")
    shown = (tmp_path / "README.md").read_text(encoding="utf-8")
    rows = [line for line in shown.splitlines() if line.startswith("| ")]
    assert rows and set(rows) <= set(text.splitlines())


def test_the_readme_leaves_out_readings_that_have_no_run(tmp_path):
    (tmp_path / "README.md").write_text("<!-- results --><!-- /results -->", encoding="utf-8")
    report.update_readme(tmp_path / "README.md")
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    (paper,) = (paper for paper in summarise(published_runs()) if paper.card.reading_ids)
    shown = {row[0].claim_id: f"| {row[0].says} |" in text for row in paper.headlines}
    readings = {name: shown[name] for name in paper.card.reading_ids if name in shown}
    assert readings["model_a_short_test_accuracy"] and not readings["model_a_test_accuracy"]
    assert all(shown[name] for name in set(shown) - set(readings))
    assert f"All {len(paper.claims)} claims, {len(paper.card.reading_ids)} of them other readings" in text
