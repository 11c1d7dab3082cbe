"""Pages with numbers of papers that have a protocol of their own, or pictures that stand in for theirs."""

import re

import pytest
from fake_runs import PAPER, write_fake_run, write_fake_runs
from html_pages import Page, claims_of, write_index
from tiny_runs import accuracy, calls, judge_one, make_resplit, make_run

from fer_lib import report
from fer_lib.files import write_json
from fer_lib.provenance import facts
from fer_lib.published import publish
from fer_lib.summaries import distances, is_headline


@pytest.fixture(scope="module")
def stand_in_site(tmp_path_factory):
    """Runs on a stand-in, ours and a reader's, and a reader's on one composed from the sample."""
    root = tmp_path_factory.mktemp("stand_in_site")
    options = {"stands_for": "SFEW", "protocol": "sfew_whole", "without": ("vgg19_timing",)}
    write_fake_runs(root / "ours", **options)
    publish(root / "ours", destination=root / "published")
    write_fake_runs(root / "reports" / "runs", **options)
    write_fake_runs(root / "reports" / "runs", "smoke", is_sample=True, **options)
    return root


def test_a_stand_in_is_named_wherever_its_numbers_are(stand_in_site):
    text = write_index(stand_in_site, "paper")
    page = Page(text)
    notes = page.find("p", class_="stand-in", role="note")
    assert len(notes) == 2 and not page.find("div", class_="banner")
    assert page.text.index("Stand-in for SFEW in Facial Expression") < page.text.index(
        "Measured on a stand-in for SFEW."
    )
    assert page.text.count("nothing is said of the paper's claims") == 2
    table = claims_of(text, PAPER)
    assert set(re.findall(r'data-verdict="([^"]+)"', table)) == {"indicative", "not run"}
    assert table.count('<span class="stand-in-tag">stand-in for SFEW</span>') == 2 * table.count("<tbody")
    assert "measured on a stand-in for SFEW: the interval" in table
    assert re.search(r'<li class="t-indicative"><a [^>]+><b>\d+</b> indicative', text)
    assert 'class="s-indicative' in text and "points, interval" in text and ", indicative" in text
    assert "stand-in for SFEW, composed from data of sha256 " + "18" * 32 + " (sfew whole)" in page.text


def test_published_numbers_of_a_stand_in_say_so_in_every_form(stand_in_site):
    published = stand_in_site / "published"
    markdown, html = (path.read_text(encoding="utf-8") for path in report.write_results(published))
    readme = stand_in_site / "README.md"
    readme.write_text("<!-- results --><!-- /results -->", encoding="utf-8")
    report.update_readme(readme, published)
    assert len(Page(html).find("p", class_="stand-in", role="note")) == 2
    for text in (markdown, readme.read_text(encoding="utf-8")):
        assert "**Measured on a stand-in for SFEW.** Its pictures are not at hand" in text
        assert "◇ indicative |" in text and re.search(r"\d+ indicative", text)
        assert not re.search(r"\| [^|]* (reproduced|exceeded|below) \|", text)


def test_a_stand_in_of_the_sample_says_both_and_is_not_judged(stand_in_site):
    text = write_index(stand_in_site, "smoke")
    page = Page(text)
    assert page.find("div", class_="banner") and "Sample data: numbers are not comparable" in page.text
    assert "Measured on a stand-in for SFEW." in page.text
    assert set(re.findall(r'data-verdict="([^"]+)"', claims_of(text, PAPER))[1::2]) == {"none", "not run"}
    assert "stand-in for SFEW, composed from built-in sample of sha256 " in page.text


def test_runs_without_validation_images_leave_it_blank(stand_in_site):
    text = report.write_results(stand_in_site / "published")[0].read_text(encoding="utf-8")
    (row,) = [line for line in text.splitlines() if line.startswith("| light_vgg | 2 |")]
    assert row.split(" | ")[3] == "–" and "%" in row.split(" | ")[4]


def test_the_facts_name_the_protocol_where_there_is_one(tmp_path):
    runs = [write_fake_run(tmp_path), write_fake_run(tmp_path, seed=1, protocol="random_split")]
    sha256 = "18" * 32
    expected = {f"data of sha256 {sha256} (60 / 200 / 200 images)", f"data of sha256 {sha256} (random split)"}
    assert set(facts(runs)["data"]) == expected


@pytest.mark.parametrize(("cores", "told"), [(1, "A processor, 1 core, no GPU"), (2, "A processor, 2 cores, no GPU")])
def test_the_facts_name_the_hardware(cores, told, tmp_path):
    run = write_fake_run(tmp_path)
    hardware = {"processor": "A processor", "cores": cores, "gpus": []}
    write_json(run.folder / "config.json", {**run.config, "record": {**run.config["record"], "hardware": hardware}})
    assert facts([run])["hardware"] == [told]


def test_the_range_of_an_accuracy_over_seeds_is_a_headline_without_distance(tmp_path):
    runs = [make_resplit(tmp_path, "a", seed, right) for seed, right in enumerate((310, 350, 400))]
    spread = judge_one(accuracy(kind="spread", low="31 %", high="40 %"), *runs)
    assert is_headline(spread) and distances(spread) is None
    assert not is_headline(judge_one(accuracy(kind="spread", metric="recall.sad", low="31 %", high="40 %"), *runs))
    stand_in = make_run(tmp_path, "b", predicted=calls(600), stands_for="SFEW")
    value = judge_one(accuracy(kind="value", variant="b", published="58 %"), stand_in)
    assert value.verdict == "indicative" and distances(value)[1] == pytest.approx(0.02)
