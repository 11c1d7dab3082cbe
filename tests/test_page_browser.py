"""The index page as a reader's browser shows it: Debian's Chromium, headless."""

import re

import pytest
from browser import PHONE, audit, open_page, overflow
from fake_runs import PAPER, write_fake_runs
from html_pages import STATUSES

from fer_lib import papers, report
from fer_lib.claims import VERDICTS
from fer_lib.paths import PUBLISHED
from fer_lib.published import publish
from fer_lib.rendering import SYMBOLS
from fer_lib.summaries import NO_VERDICT

CLAIMS = sum(len(papers.load(paper).claims) for paper in papers.ids())
OURS = len(papers.load(PAPER).claims)
HOSTILE = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\">"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Pages by name: published numbers alone, a reader's run beside them, one of the sample, the committed one."""
    root = tmp_path_factory.mktemp("pages")
    write_fake_runs(root / "ours", without=("qda",))
    publish(root / "ours", destination=root / "published")
    (run, *_) = write_fake_runs(root / "reports" / "runs", without=("lda",))
    config = run.folder / "config.json"
    config.write_text(config.read_text().replace("0123456789ab", HOSTILE.replace('"', '\\"')), encoding="utf-8")
    write_fake_runs(root / "sample" / "runs", "smoke", is_sample=True)
    statuses = [*STATUSES, {**STATUSES[1], "notebook": "02_liu_sfew_lenet", "error": HOSTILE}]
    return {
        "published": report.write_results(root / "published")[1],
        "own": report.write_index(root / "reports", "paper", statuses, root / "published"),
        "sample": report.write_index(root / "sample", "smoke", [], root / "published"),
        "committed": PUBLISHED / "index.html",
    }


@pytest.fixture
def visit(browser, pages):
    """Open a page by name; when the test ends, nothing may have been asked for and no error told."""
    visits = []

    def open_by_name(name, **options):
        visits.append(open_page(browser, pages[name], **options))
        return visits[-1].page

    yield open_by_name
    for each in visits:
        each.page.context.close()
        assert (each.errors, each.requests) == ([], [])


def shown(page):
    """Ids of the claims in sight, from the top."""
    return page.eval_on_selector_all(
        "table.claims tbody", "all => all.filter(each => each.offsetParent !== null).map(each => each.id)"
    )


def column(page, place):
    """Texts of a column of the claims in sight."""
    return page.eval_on_selector_all(
        "table.claims tbody",
        "all => all.filter(each => each.offsetParent !== null)"
        f".map(each => each.rows[0].cells[{place}].innerText.trim())",
    )


def values(page, expression):
    """Of each claim in sight a number, or None where it has none."""
    found = page.eval_on_selector_all(
        "table.claims tbody",
        f"all => all.filter(each => each.offsetParent !== null).map(body => {expression})",
    )
    return [None if value is None else float(value) for value in found]


def press(page, heading):
    page.locator("table.claims thead").get_by_role("button", name=heading, exact=True).click()


def choose(page, label, value):
    page.get_by_role("combobox", name=label, exact=True).select_option(value)


def direction(page, heading):
    return page.locator("table.claims thead th").filter(has_text=heading).first.get_attribute("aria-sort")


def state(page):
    return page.evaluate("location.hash")


def counted(page):
    text = page.get_by_role("status").inner_text()
    found = re.fullmatch(rf"Showing (\d+) of {CLAIMS} claims", text)
    assert found, text
    return int(found[1])


@pytest.mark.parametrize("name", ["published", "own", "sample", "committed"])
def test_a_page_shows_every_paper_and_every_claim(visit, name):
    page = visit(name)
    assert page.locator("article.card").count() == len(papers.ids())
    assert len(shown(page)) == CLAIMS == counted(page)
    columns = page.locator("article.card").first.locator("thead th").all_inner_texts()
    assert columns[1:3] == ["the paper", "published by us"]
    assert ("your run" in columns) == (name in ("own", "sample"))


def test_cards_say_where_there_is_no_run(visit):
    page = visit("own")
    card = page.locator("article.card[data-card=liu_separable_ensemble]")
    assert "73.244" in card.inner_text()
    assert card.get_by_text("nothing published yet").count() == card.get_by_text("no run of yours yet").count() == 2
    assert card.locator("svg.distance").count() == 0


def test_numbers_are_sorted_both_ways_and_missing_ones_stay_last(visit):
    page = visit("own")
    for heading, expression in (
        ("the paper’s number", "body.dataset.published ?? null"),
        ("published by us", "body.rows[0].cells[4].dataset.value ?? null"),
        ("your run", "body.rows[0].cells[6].dataset.value ?? null"),
        ("distance", "body.dataset.distance ?? null"),
    ):
        for name, falling in (("ascending", False), ("descending", True)):
            press(page, heading)
            assert direction(page, heading) == name
            found = values(page, expression)
            there = [value for value in found if value is not None]
            assert 5 < len(there) < CLAIMS
            assert found == sorted(there, reverse=falling) + [None] * (CLAIMS - len(there))


def test_words_and_papers_are_sorted_both_ways(visit):
    page = visit("own")
    places = shown(page)
    press(page, "claim")
    letters = [initials[0].casefold() for text in column(page, 1) if (initials := re.findall("[A-Za-z]", text[:1]))]
    assert letters == sorted(letters) and len(set(letters)) > 10
    press(page, "claim")
    assert direction(page, "claim") == "descending"
    assert column(page, 1)[0][0].casefold() == letters[-1]
    press(page, "metric")
    families = page.eval_on_selector_all("table.claims tbody", "all => all.map(each => each.dataset.metric)")
    assert families == sorted(families, key=str.casefold) and len(set(families)) > 5
    press(page, "paper")
    assert shown(page) == places and direction(page, "metric") == "none"
    press(page, "paper")
    assert column(page, 0)[0].startswith("05") and column(page, 0)[-1].startswith("01")


@pytest.mark.parametrize(("heading", "place"), [("our verdict", 5), ("your verdict", 7)])
def test_verdicts_are_sorted_from_reproduced_to_not_run(visit, heading, place):
    page = visit("own")
    order = [*VERDICTS, NO_VERDICT]
    for sign in (1, -1):
        press(page, heading)
        ranks = [sign * order.index(verdict) for verdict in column(page, place)]
        assert ranks == sorted(ranks) and len(set(ranks)) > 3


def test_filters_narrow_each_other_and_the_address_restores_them(visit):
    page = visit("own")
    choose(page, "Paper", PAPER)
    assert len(shown(page)) == OURS == counted(page)
    choose(page, "Metric", "accuracy")
    accuracies = counted(page)
    choose(page, "Your verdict", "exceeded")
    assert 0 < counted(page) < accuracies < OURS
    assert set(column(page, 7)) == {"exceeded"}
    page.get_by_role("searchbox", name="Search").fill("58.6  cnn")
    assert shown(page) == ["claim-shi-light-vgg-test-accuracy"]
    press(page, "your run")
    press(page, "your run")
    assert state(page) == f"#paper={PAPER}&metric=accuracy&own=exceeded&q=58.6++cnn&sort=-own-measured"
    again = visit("own", state=state(page)[1:])
    assert shown(again) == shown(page)
    assert again.get_by_role("combobox", name="Your verdict").input_value() == "exceeded"
    assert direction(again, "your run") == "descending"
    page.get_by_role("button", name="Reset").click()
    assert counted(page) == CLAIMS and state(page) == "" and direction(page, "your run") == "none"


def test_a_filter_that_nothing_fits_says_so(visit):
    page = visit("published")
    page.get_by_role("searchbox", name="Search").fill("no claim says this")
    assert counted(page) == 0 and page.get_by_text("No claim fits.").is_visible()
    page.get_by_role("link", name="Show all of them").click()
    assert counted(page) == CLAIMS and page.get_by_text("No claim fits.").is_hidden()


@pytest.mark.parametrize("text", ["paper=nobody&verdict=perfect&sort=-height", "x=%", "paper=%3Cscript%3E&q="])
def test_an_address_that_means_nothing_shows_everything(visit, text):
    assert counted(visit("published", state=text)) == CLAIMS


def test_counts_of_a_card_lead_to_these_claims(visit):
    page = visit("own")
    card = page.locator(f"article.card[data-card={PAPER}]")
    link = card.get_by_role("link", name=re.compile("not reproduced of your run"))
    number = int(link.locator("b").inner_text())
    link.click()
    assert counted(page) == number and set(column(page, 7)) == {"not reproduced"}
    assert page.evaluate("document.activeElement.id") == "claims-title"


def test_a_link_to_a_claim_opens_it_though_it_was_filtered_out(visit):
    page = visit("own", state="paper=lt2326_lenet5")
    page.evaluate("location.hash = 'claim-shi-light-vgg-test-accuracy'")
    details = page.locator("#claim-shi-light-vgg-test-accuracy-details")
    details.wait_for(state="visible")
    assert "Wilson 95 %" in details.inner_text() and "seed 1: " in details.inner_text()


def test_everything_works_by_keyboard(visit):
    page = visit("own", state=f"paper={PAPER}")
    page.get_by_role("searchbox", name="Search").focus()
    page.keyboard.type("recall")
    found = counted(page)
    assert 0 < found < OURS
    for _ in range(3):  # all details, reset, the first heading
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "paper"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert direction(page, "claim") == "ascending"
    while page.evaluate("document.activeElement.className") != "says":
        page.keyboard.press("Tab")
    first = shown(page)[0]
    page.keyboard.press("Space")
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
    assert page.locator(f"#{first}-details").is_visible()
    page.keyboard.press("Enter")
    assert page.locator(f"#{first}-details").is_hidden()


def test_numbers_behind_a_drawing_are_told_on_focus_and_under_the_pointer(visit):
    page = visit("own")
    drawing = page.locator(f"article.card[data-card={PAPER}] a.drawing").first
    tip = page.get_by_role("tooltip")
    drawing.focus()
    assert "The test accuracy of the CNN was 58.6" in tip.inner_text() and "seed 2: " in tip.inner_text()
    assert drawing.get_attribute("aria-describedby") == tip.get_attribute("id")
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()
    page.locator("table.claims svg.distance").first.hover()
    assert "[" in tip.inner_text() and "images" in tip.inner_text()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("own", {}),
        ("sample", {"dark": True}),
        ("sample", {"width": PHONE}),
        ("committed", {"width": PHONE, "dark": True}),
    ],
)
def test_axe_finds_nothing(visit, name, options):
    page = visit(name, state="paper=liu_sfew_lenet", **options)  # fewer rows in sight, of every kind: axe is slow
    page.get_by_role("button", name="All details").click()
    assert audit(page) == []


@pytest.mark.parametrize("name", ["own", "sample", "committed"])
def test_no_page_is_wider_than_its_window(visit, name):
    page = visit(name)
    for width in (320, PHONE, 600, 800, 1000, 1100):
        page.set_viewport_size({"width": width, "height": 900})
        assert overflow(page) == 0, width


def test_a_phone_sorts_by_a_list(visit):
    page = visit("own", width=PHONE)
    assert page.locator("table.claims thead").is_hidden()
    choose(page, "Sort by", "own-verdict")
    ranks = [[*VERDICTS, NO_VERDICT].index(verdict) for verdict in column(page, 7)]
    assert ranks == sorted(ranks)


def test_print_has_every_claim_with_its_details_and_no_controls(visit):
    page = visit("own", state="paper=liu_sfew_lenet")
    assert len(shown(page)) < CLAIMS
    page.emulate_media(media="print")
    assert len(shown(page)) == CLAIMS
    hidden = page.eval_on_selector_all("table.claims .more", "all => all.filter(each => !each.offsetHeight).length")
    assert hidden == 0
    assert page.locator("#filter").is_hidden() and page.locator("nav").first.is_hidden()
    assert len(page.pdf()) > 10_000


@pytest.mark.parametrize("width", [1280, PHONE])
def test_without_script_everything_is_there(visit, width):
    page = visit("own", width=width, script=False)
    bodies = page.locator("table.claims tbody")
    assert bodies.count() == CLAIMS
    assert page.locator("table.claims .more:visible").count() == CLAIMS
    assert page.locator("#filter").is_hidden()
    assert page.locator("table.claims button").count() == 0


def test_what_others_wrote_stays_text(visit):
    page = visit("own")
    assert page.title() == "fer_lib: your replication"
    assert page.locator("img").count() == 0
    assert page.get_by_text(HOSTILE[:40]).count() >= 2  # an error and a code version


def test_a_script_that_found_its_way_into_the_page_would_not_run(browser, pages, tmp_path):
    text = pages["own"].read_text(encoding="utf-8").replace("</main>", HOSTILE + "</main>")
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    visit = open_page(browser, tmp_path / "page.html")
    assert visit.page.title() == "fer_lib: your replication"
    assert any("Content Security Policy" in error for error in visit.errors)
    visit.page.context.close()


def test_signs_of_verdicts_are_those_of_the_tables_in_markdown(visit):
    page = visit("published")
    chips = page.locator("#rules .legend .chip")
    signs = chips.evaluate_all("all => all.map(each => getComputedStyle(each).getPropertyValue('--sign'))")
    assert dict(zip(chips.all_inner_texts(), (sign.strip('" ') for sign in signs), strict=True)) == SYMBOLS


def test_the_banner_stays_in_sight(visit):
    page = visit("sample")
    page.evaluate("scrollTo(0, 5000)")
    assert page.get_by_text("Sample data: numbers are not comparable with the paper.").is_visible()
    assert page.locator(".banner").bounding_box()["y"] >= 0
