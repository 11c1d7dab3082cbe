"""How the index page is built: what may act in it, what it weighs, its cards, tables, headings and contrasts."""

import base64
import hashlib
import re
from itertools import pairwise

import pytest
from fake_runs import PAPER, write_fake_run, write_fake_runs
from html_pages import Page, write_index

from fer_lib import papers, report
from fer_lib.paths import PUBLISHED
from fer_lib.published import publish, published_runs
from fer_lib.summaries import summarise


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Published runs, and a reader's."""
    root = tmp_path_factory.mktemp("site")
    write_fake_runs(root / "ours")
    publish(root / "ours", destination=root / "published")
    write_fake_runs(root / "reports" / "runs", without=("qda",))
    return root


def test_only_the_style_and_the_script_of_the_page_may_act(site):
    text = write_index(site, "paper")
    (policy,) = [attrs["content"] for attrs in Page(text).find("meta", http_equiv="Content-Security-Policy")]
    for tag in ("style", "script"):
        (inside,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}';" in policy
        assert "</" not in inside and "<!--" not in inside
    assert policy.startswith("default-src 'none';") and "unsafe" not in policy


def test_the_page_stays_light(site):
    assert len(write_index(site, "paper").encode()) < 620_000
    assert (PUBLISHED / "index.html").stat().st_size < 620_000


def test_cards_lead_with_the_best_test_accuracy_and_the_first_comparison(site):
    found = re.findall(r'data-leading="([^"]+)"', write_index(site, "paper"))
    assert found[:2] == ["test_accuracy", "far_above_classifiers"]
    leading = {paper.card.id: [row[0].claim_id for row in paper.leading] for paper in summarise([])}
    assert leading["liu_separable_ensemble"] == ["test_accuracy", "vgg19_above_vgg16"]
    assert leading["zakavi_network_surgery"] == ["extended_accuracy"]  # it publishes no difference
    assert sum(leading.values(), []) == found


def test_what_was_run_is_told_in_one_table(site):
    text = write_index(site, "paper")
    table = Page(text[text.index('<table class="stack overview"') :].partition("</table>")[0] + "</table>").text
    runs = published_runs(PAPER, site / "published")
    variants = len(papers.load(PAPER).variants)
    assert f"01 Shi published by us {len(runs)} {variants} of {variants} 0 to 2 " in table
    assert "bfloat16 2026-01-02 0123456789ab" in table
    assert re.search(r"03 Liu et al\. your run none yet", table)


def test_a_run_of_a_small_budget_is_told_from_one_of_the_whole(tmp_path):
    for paper, variant in ((PAPER, "light_vgg"), ("liu_separable_ensemble", "model_a_short")):
        write_fake_run(tmp_path / "ours", paper=paper, variant=variant)
    publish(tmp_path / "ours", destination=tmp_path / "published")
    text = write_index(tmp_path, "paper")
    whole, small = (
        text[text.index(f'<tr data-variant="{name}"') :].partition("</tr>")[0]
        for name in ("light_vgg", "model_a_short")
    )
    assert "small budget: 25 epochs of 250" in small and "small budget" not in whole


def test_tables_are_told_to_screen_readers(site):
    page = Page(write_index(site, "paper"))
    tables = [tag for tag, _ in page.tags if tag == "table"]
    captions = [tag for tag, _ in page.tags if tag == "caption"]
    assert len(tables) == len(captions) >= 10
    assert all({"scope"} <= attrs.keys() for attrs in page.find("th"))
    assert all(attrs.get("aria-hidden") for attrs in page.find("svg"))
    assert all(attrs["aria-label"].startswith("Distance from") for attrs in page.find("a", class_="drawing"))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))
    assert page.find("html", lang="en") and page.find("main", id="main")
    assert page.find("meta", name="viewport")


def _luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_its_background(theme):
    style = (report.TEMPLATES / "report.css").read_text(encoding="utf-8")
    colours = {}
    for block in style.split(":root {")[1 : 2 + theme]:
        colours |= dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block.split("}")[0]))
    verdicts = ["reproduced", "exceeded", "below", "not-reproduced", "indicative", "not-run", "no-verdict"]
    pairs = [(name, f"{name}-bg") for name in verdicts] + [(name, "sheet") for name in verdicts]
    pairs += [(name, ground) for name in ("ink", "soft", "link", "accent") for ground in ("paper", "sheet")]
    pairs.append(("link", "indicative-bg"))
    for ink, ground in pairs:
        bright, dark = sorted((_luminance(colours[ink]), _luminance(colours[ground])), reverse=True)
        assert (bright + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)
