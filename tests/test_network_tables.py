"""Tables of networks beside the published ones and of ways of enlarging, against values worked out by hand."""

from functools import partial

import numpy as np
import pytest
from tiny_runs import LABELS, calls, make_run, one_hot

from fer_lib import tables
from fer_lib.files import write_json
from fer_lib.metrics import classification_metrics
from fer_lib.super_resolution.enlarging import INTERPOLATIONS, enlarge
from fer_lib.super_resolution.pairs import shrink
from fer_lib.super_resolution.quality import measure_enlarging, psnr


def make_network(folder, model, seed, right, counts, **metrics):
    """A network that is right on `right` test images, and on 100 fewer of PublicTest."""
    validation = {"single": classification_metrics(LABELS, one_hot(calls(right - 100)))}
    run = make_run(folder, model, seed, calls(right), model=counts, **{"validation": validation, **metrics})
    config = run.config
    write_json(run.folder / "config.json", {**config, "request": {**config["request"], "model": model}})
    return run


PUBLISHED = {
    "VGG16": {"PublicTest": 0.65589, "PrivateTest": 0.660072, "parameters": 14_714_688.0, "depth": 22.0},
    "model A": {"PrivateTest": 0.73244, "parameters": 2_720_439.0},
}


def make_networks(folder):
    vgg = {"parameters": 15_000_000, "convolution_parameters": 14_713_536, "depth": 20}
    small = {"parameters": 2_720_439, "convolution_parameters": 900, "depth": 86}
    return {
        "VGG16": [
            make_network(folder, "vgg16", seed, right, vgg, application={"parameters": 138_357_544, "depth": 22})
            for seed, right in ((0, 600), (1, 620))
        ],
        "model A": [make_network(folder, "separable", 0, 650, small)],
        "ResNet50": [
            make_network(folder, "resnet50", 0, 500, small, application={"parameters": 25_636_712, "depth": 176})
        ],
        "ensemble": [make_network(folder, "features", 0, 700, {"parameters": 26_000_000})],
        "not run": [],
    }


def test_networks_are_counted_as_the_paper_counts_them(tmp_path):
    table = tables.network_table(make_networks(tmp_path), PUBLISHED).set_index("network")
    assert list(table) == [
        *("seeds", "PublicTest", "PublicTest published", "PrivateTest", "PrivateTest published"),
        *("parameters", "parameters published", "depth", "depth published"),
    ]
    assert table.index.tolist() == ["VGG16", "model A", "ResNet50", "ensemble"]
    assert table["seeds"].tolist() == [2, 1, 1, 1]
    assert table["PublicTest"].tolist() == pytest.approx([0.51, 0.55, 0.4, 0.6])
    assert table["PrivateTest"].tolist() == pytest.approx([0.61, 0.65, 0.5, 0.7])
    assert table["parameters"].tolist() == [14_713_536, 2_720_439, 2_720_439, 26_000_000]
    assert table["depth"].dropna().to_dict() == {"VGG16": 22, "model A": 86, "ResNet50": 86}
    assert table["PublicTest published"].dropna().to_dict() == {"VGG16": 0.65589}
    assert table["PrivateTest published"].dropna().to_dict() == {"VGG16": 0.660072, "model A": 0.73244}
    assert table["parameters published"].dropna().to_dict() == {"VGG16": 14_714_688, "model A": 2_720_439}
    assert table["depth published"].dropna().to_dict() == {"VGG16": 22}


@pytest.mark.parametrize(
    ("published", "received"),
    [({"vgg": {"depth": 22}}, "vgg"), ({"VGG16": {"layers": 22}}, "layers"), ({"not run": {"deep": 1}}, "deep")],
)
def test_published_values_that_belong_nowhere_are_refused(tmp_path, published, received):
    with pytest.raises(ValueError, match=rf"Received: \['{received}'\]"):
        tables.network_table(make_networks(tmp_path), published)


def test_a_network_that_was_not_scored_on_publictest_is_named(tmp_path):
    run = make_network(tmp_path, "separable", 0, 500, {"parameters": 9}, validation={})
    with pytest.raises(ValueError, match=r"metrics of validation \(single\)\. Received: .*separable/seed-0"):
        tables.network_table({"a": [run]}, {})


def make_doubling(folder):
    def measured(n, raised):
        srgan = {"psnr": 28.5 + raised, "psnr_interval": [28.0, 29.0], "ssim": 0.91, "ssim_interval": [0.9, 0.92]}
        srgan |= {"psnr_over_bicubic": 0.5 + raised, "psnr_over_bicubic_interval": [0.4, 0.6]}
        srgan |= {"ssim_over_bicubic": 0.01, "ssim_over_bicubic_interval": [-0.001, 0.021]}
        bicubic = {"psnr": 28.0, "psnr_interval": [27.5, 28.5], "ssim": 0.9, "ssim_interval": [0.89, 0.91]}
        return {"filter": "area", "n": n, "left_out": 1, "enlargers": {"bicubic": bicubic, "srgan": srgan}}

    return make_run(
        folder,
        "srgan",
        super_resolution={**measured(3588, 0.25), "validation": measured(3580, 0.0), "unleaked": measured(3000, 0.5)},
    )


def test_ways_of_enlarging_stand_side_by_side_on_both_splits(tmp_path):
    table = tables.enlarging_table(make_doubling(tmp_path))
    ends = ("", " low", " high")
    quality = [f"{name}{part}{end}" for name in ("PSNR", "SSIM") for part in ("", " over bicubic") for end in ends]
    assert list(table) == ["scored on", "images", "way", *quality]
    assert table[["scored on", "images", "way"]].values.tolist() == [
        ["PublicTest", 3580, "bicubic"],
        ["PublicTest", 3580, "srgan"],
        ["PrivateTest", 3588, "bicubic"],
        ["PrivateTest", 3588, "srgan"],
        ["PrivateTest without leaks", 3000, "bicubic"],
        ["PrivateTest without leaks", 3000, "srgan"],
    ]
    assert table["PSNR"].tolist() == [28.0, 28.5, 28.0, 28.75, 28.0, 29.0]
    assert table.loc[1, "PSNR":].tolist() == [28.5, 28, 29, 0.5, 0.4, 0.6, 0.91, 0.9, 0.92, 0.01, -0.001, 0.021]
    of_bicubic = table[table["way"] == "bicubic"]
    assert of_bicubic.filter(like="over").isna().all(axis=None) and table.drop(columns="way").notna().sum().min() == 3


def test_enlarging_is_read_as_it_is_measured(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, 24, 24, 1), dtype=np.uint8)
    ways = {name: partial(enlarge, method=name) for name in INTERPOLATIONS}
    measured = measure_enlarging(images, ways)
    run = make_run(tmp_path, "srgan", super_resolution={**measured, "validation": measured})
    table = tables.enlarging_table(run).set_index(["scored on", "way"]).loc["PrivateTest"]
    quality = {name: psnr(way(shrink(images)), images) for name, way in ways.items()}
    assert table["PSNR"].to_dict() == pytest.approx({name: values.mean() for name, values in quality.items()})
    assert table.loc["nearest", "PSNR over bicubic"] == pytest.approx(np.mean(quality["nearest"] - quality["bicubic"]))
    assert table["images"].tolist() == [3, 3] and (table["SSIM low"] < table["SSIM"]).all()


def test_a_run_that_enlarges_nothing_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"super-resolution\. Received: .*a/seed-0"):
        tables.enlarging_table(make_run(tmp_path, predicted=calls(500)))


def test_counts_accuracies_decibels_and_similarities_are_printed_in_their_own_units(tmp_path):
    html = tables.as_compared(tables.network_table(make_networks(tmp_path), PUBLISHED)).to_html()
    assert all(text in html for text in (">66.007%<", ">61.000%<", ">14,713,536<", ">2,720,439<", ">86<", ">–<"))
    html = tables.as_compared(tables.enlarging_table(make_doubling(tmp_path))).to_html()
    assert all(text in html for text in (">28.75<", ">+0.75<", ">0.9100<", ">-0.0010<", ">3,588<", ">–<"))
