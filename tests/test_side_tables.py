"""Tables under a paper's runs, as the committed pages show them."""

from fake_runs import PAPER, write_fake_run
from html_pages import Page

from fer_lib import report
from fer_lib.files import write_json
from fer_lib.published import publish


def results_of(tmp_path):
    """RESULTS.md, and the text of index.html, of the runs that were made."""
    publish(tmp_path / "runs", destination=tmp_path / "published")
    markdown, html = report.write_results(tmp_path / "published")
    return markdown.read_text(encoding="utf-8"), Page(html.read_text(encoding="utf-8")).text


def test_the_published_search_is_shown(tmp_path):
    write_fake_run(tmp_path / "runs", variant="lda")
    table = tmp_path / "published" / PAPER / "search.csv"
    table.parent.mkdir(parents=True)
    table.write_text("trial,learning_rate\n7,0.00123\n2,0.5\n", encoding="utf-8")
    markdown, text = results_of(tmp_path)
    assert "Random search: 2 trials" in text and "trial learning rate 7 0.00123 2 0.5" in text
    assert "| trial | learning rate |\n| ---: | ---: |\n| 7 | 0.00123 |\n| 2 | 0.5 |\n" in markdown


def test_an_enlarger_is_shown_by_its_pictures_beside_interpolation(tmp_path):
    paper = "liu_separable_ensemble"
    run = write_fake_run(tmp_path / "runs", paper=paper, variant="srgan")
    bicubic = {"psnr": 26.894, "psnr_interval": [26.81, 26.97], "ssim": 0.8879, "ssim_interval": [0.8867, 0.889]}
    better = {"psnr_over_bicubic": 2.367, "psnr_over_bicubic_interval": [2.329, 2.405]}
    better |= {"ssim_over_bicubic": -0.0443, "ssim_over_bicubic_interval": [-0.0436, 0.0449]}
    measured = {"enlargers": {"bicubic": bicubic, "srgan": {**bicubic, **better}}}
    measured |= {"n": 3589, "validation": {"n": 3589, "enlargers": {"bicubic": {**bicubic, "psnr": 20.0}}}}
    write_json(run.folder / "metrics.json", {"super_resolution": measured, "history": {"epochs": 8}})
    markdown, text = results_of(tmp_path)
    assert "| srgan (small budget) | 0 | 8 | – | – | – | – | – |" in markdown
    own = "| 26.89 [26.81, 26.97] | {} | 0.8879 [0.8867, 0.8890] | {} |"
    assert f"| srgan | 0 | bicubic {own.format('–', '–')}" in markdown
    over = own.format("+2.37 [+2.33, +2.40]", "-0.0443 [-0.0436, +0.0449]")
    assert f"| srgan | 0 | srgan {over}" in markdown
    assert "20.00" not in markdown  # PublicTest's, which chose
    assert "Enlarging: 2 ways" in text and "+2.37 [+2.33, +2.40]" in text


def write_ensemble(folder, variant, members, views):
    """The run of an ensemble of the card's, with what it measured by view."""
    run = write_fake_run(folder, paper="liu_separable_ensemble", variant=variant)
    config = run.config
    config["request"]["members"] = [{"variant": member, "seed": 0} for member in members]
    write_json(run.folder / "config.json", config)
    write_json(run.folder / "metrics.json", {**run.metrics, "ensemble": views})


def test_ten_crops_stand_beside_the_single_view_where_there_are_any(tmp_path):
    for variant, crops in (("model_a", {"ten_crops": {"accuracy": 0.6543}}), ("vgg16", {})):
        run = write_fake_run(tmp_path / "runs", paper="liu_separable_ensemble", variant=variant)
        single = {**run.metrics["test"]["single"], "accuracy": 0.6321}
        tested = {"single": single} | {view: {**single, **found} for view, found in crops.items()}
        write_json(run.folder / "metrics.json", {**run.metrics, "test": tested})
    markdown, text = results_of(tmp_path)
    rows = {line.split(" | ")[0]: line.split(" | ") for line in markdown.splitlines() if "| 63.2 % |" in line}
    assert {name: row[4:6] for name, row in rows.items()} == {
        "| model_a": ["63.2 %", "65.4 %"],
        "| vgg16 (small budget)": ["63.2 %", "–"],
    }
    assert "63.2 % 65.4 %" in text and "63.2 % –" in text


def test_an_ensemble_is_shown_beside_its_better_member(tmp_path):
    compared = {"better_member": "model_a_short", "member_accuracies": {"model_a_short": 0.6216}, "accuracy": 0.6233}
    compared |= {"gain": 0.0017, "gain_interval": [-0.0032, 0.0066], "only_ensemble": 43, "only_member": 37}
    views = {
        "single": {**compared, "p_exact": 0.5764, "weight": 0.79},
        "ten_crops": {**compared, "p_exact": 1e-5, "strength": 0.1},
    }
    write_ensemble(tmp_path / "runs", "ensemble_scratch_average", ("model_a_short", "model_b_scratch"), views)
    of_one = {"single": {**compared, "p_exact": 0.5764, "strength": 0.001}}
    write_ensemble(tmp_path / "runs", "model_a_brief_refitted", ("model_a_brief",), of_one)
    markdown, text = results_of(tmp_path)
    own = "62.3 % | model_a_short | 62.2 % | +0.2 points [-0.3, +0.7] | 43 | 37"
    start = "| ensemble_scratch_average | 0 |"
    assert f"{start} single | probabilities, 0.79 of model_a_short | {own} | 0.576 |" in markdown
    assert f"{start} ten crops | features, penalty 0.1 | {own} | below 0.001 |" in markdown
    control = "no second network: a layer fitted anew, penalty 0.001"
    assert f"| model_a_brief_refitted | 0 | single | {control} | {own} | 0.576 |" in markdown
    html = (tmp_path / "published" / "index.html").read_text(encoding="utf-8")
    assert '<td data-label="gain">+0.2 points <span class="interval-text">[-0.3, +0.7]</span></td>' in html
    assert (
        '<th scope="row" data-label="ensemble">model_<wbr>a_<wbr>brief_<wbr>refitted</th><td data-label="seed">0</td>'
        in html
    )
    assert "Ensembles: 1 beside the better member of each" in text and "+0.2 points [-0.3, +0.7] 43 37" in text
