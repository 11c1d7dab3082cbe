"""Pairs by shrinking, plain enlarging, PSNR and SSIM, and enlarged data sets with their cache."""

import json
import os
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_data import make_tiny_data

from fer_lib.audit import leaked_mask
from fer_lib.intervals import mean_interval
from fer_lib.super_resolution.enlarging import enlarge, load_enlarged
from fer_lib.super_resolution.pairs import enlarge_bicubic, enlarge_nearest, shrink
from fer_lib.super_resolution.quality import measure_enlarging, psnr, ssim

RAMP = np.tile(np.arange(48, dtype=np.uint8) * 4, (48, 1))[None, ..., None]
NOISE = np.random.default_rng(0).integers(0, 256, (6, 48, 48, 1)).astype(np.uint8)


@pytest.mark.parametrize("value", [0, 1, 127, 255])
def test_constant_pictures_stay_constant(value) -> None:
    pictures = np.full((2, 8, 12, 1), value, np.uint8)
    assert shrink(pictures).shape == (2, 4, 6, 1)
    assert np.unique(shrink(pictures)).tolist() == [value]
    for method in ("bicubic", "nearest"):
        assert enlarge(pictures, method).shape == (2, 16, 24, 1)
        assert np.unique(enlarge(pictures, method)).tolist() == [value]


def test_a_ramp_shrinks_and_is_enlarged_exactly() -> None:
    small = shrink(RAMP)
    assert small[0, 0, :, 0].tolist() == [8 * place + 2 for place in range(24)]
    assert enlarge_nearest(small)[0, 0, :4, 0].tolist() == [2, 2, 10, 10]
    bicubic = enlarge_bicubic(small)[0, :, :, 0]
    assert (bicubic == bicubic[0]).all()
    # interpolation of a straight line is the line, a quarter of the way from one small pixel to the next
    np.testing.assert_allclose(bicubic[0, 4:-4], RAMP[0, 0, 4:-4, 0], atol=1)


def test_shrinking_rounds_half_up() -> None:
    pictures = np.array([[0, 1, 0, 0], [1, 0, 1, 0]], np.uint8)[None, ..., None]
    assert shrink(pictures).ravel().tolist() == [1, 0]


@given(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9), st.integers(1, 3), st.integers(0, 99))
def test_shrinking_undoes_repeating(count, height, width, channels, seed) -> None:
    images = np.random.default_rng(seed).integers(0, 256, (count, height, width, channels)).astype(np.uint8)
    np.testing.assert_array_equal(shrink(enlarge_nearest(images)), images)


def test_no_images_are_enlarged_to_none() -> None:
    for method in ("bicubic", "nearest"):
        assert enlarge(NOISE[:0], method).shape == (0, 96, 96, 1)


def test_images_and_methods_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match=r"sides of images to shrink must be even. Received: \(1, 3, 4, 1\)"):
        shrink(np.zeros((1, 3, 4, 1), np.uint8))
    with pytest.raises(ValueError, match=r"uint8 \(n, h, w, c\). Received: float64 \(1, 4, 4, 1\)"):
        enlarge(np.zeros((1, 4, 4, 1)), "nearest")
    with pytest.raises(ValueError, match="Received: 'lanczos'"):
        enlarge(NOISE, "lanczos")


def test_psnr_by_hand() -> None:
    black = np.zeros((3, 12, 12, 1), np.uint8)
    other = black.copy()
    other[0] += 255  # as far as can be: 0 dB
    other[1] += 16  # 20 log10(255 / 16)
    np.testing.assert_allclose(psnr(other, black), [0, 24.0484, np.inf], atol=1e-4)
    one_pixel = black[:1].copy()
    one_pixel[0, 5, 5] = 12  # mean squared error of 144 / 144
    assert psnr(one_pixel, black[:1]).item() == pytest.approx(20 * np.log10(255))


def test_ssim_of_equal_images_is_one() -> None:
    np.testing.assert_allclose(ssim(NOISE, NOISE), 1, rtol=1e-12)
    np.testing.assert_allclose(ssim(RAMP, RAMP), 1, rtol=1e-12)


def test_ssim_of_flat_images_is_their_luminance_term() -> None:
    first, second = (np.full((1, 16, 16, 1), value, np.uint8) for value in (100, 150))
    c1 = (0.01 * 255) ** 2
    expected = (2 * 100 * 150 + c1) / (100**2 + 150**2 + c1)
    assert ssim(first, second).item() == pytest.approx(expected, rel=1e-12)


def test_ssim_of_one_window_by_hand() -> None:
    x, y = NOISE[0, :11, :11, 0].astype(float), NOISE[1, :11, :11, 0].astype(float)
    bell = np.exp(-(np.arange(-5.0, 6) ** 2) / (2 * 1.5**2))
    weights = np.outer(bell, bell) / bell.sum() ** 2
    mean_x, mean_y = (weights * x).sum(), (weights * y).sum()
    variances = (weights * (x - mean_x) ** 2).sum() + (weights * (y - mean_y) ** 2).sum()
    covariance = (weights * (x - mean_x) * (y - mean_y)).sum()
    c1, c2 = 2.55**2, 7.65**2
    expected = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    expected /= (mean_x**2 + mean_y**2 + c1) * (variances + c2)
    assert ssim(NOISE[:1, :11, :11], NOISE[1:2, :11, :11]).item() == pytest.approx(expected, rel=1e-9)


def test_ssim_falls_with_noise_and_below_zero_for_negatives() -> None:
    small, large = (np.clip(RAMP + NOISE * share, 0, 255).astype(np.uint8) for share in (0.05, 0.3))
    faces = np.repeat(RAMP, 6, axis=0)
    assert (ssim(faces, small) > ssim(faces, large)).all()
    assert (ssim(NOISE, 255 - NOISE) < 0).all()
    np.testing.assert_allclose(ssim(faces, small), ssim(small, faces))


def test_images_too_small_or_of_two_shapes_have_no_quality() -> None:
    with pytest.raises(ValueError, match="at least 11 pixels a side"):
        ssim(NOISE[:, :10], NOISE[:, :10])
    for measure in (psnr, ssim):
        with pytest.raises(ValueError, match="must have one shape"):
            measure(NOISE, NOISE[:2])


def test_ways_of_enlarging_are_measured_side_by_side() -> None:
    blank = np.full((2, 48, 48, 1), 90, np.uint8)
    images = np.concatenate([NOISE, blank])
    enlargers = {"bicubic": enlarge_bicubic, "nearest": enlarge_nearest}
    found = measure_enlarging(images, enlargers)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["n"], found["left_out"], found["filter"]) == (6, 2, "area")
    bicubic, nearest = (psnr(enlarger(shrink(NOISE)), NOISE) for enlarger in enlargers.values())
    measured = found["enlargers"]["nearest"]
    assert measured["psnr"] == pytest.approx(nearest.mean())
    assert measured["psnr_interval"] == pytest.approx(list(mean_interval(nearest)))
    assert measured["psnr_over_bicubic"] == pytest.approx((nearest - bicubic).mean())
    assert measured["psnr_over_bicubic_interval"] == pytest.approx(list(mean_interval(nearest - bicubic)))
    assert measured["ssim"] == pytest.approx(ssim(enlarge_nearest(shrink(NOISE)), NOISE).mean())
    assert "psnr_over_bicubic" not in found["enlargers"]["bicubic"]


def test_enlarging_is_not_measured_without_bicubic_or_images() -> None:
    with pytest.raises(ValueError, match=r"must have 'bicubic' .* Received: \['nearest'\]"):
        measure_enlarging(NOISE, {"nearest": enlarge_nearest})
    with pytest.raises(ValueError, match="at least two images .* Received: 1 of 1"):
        measure_enlarging(NOISE[:1], {"bicubic": enlarge_bicubic})


@pytest.fixture
def data():
    return make_tiny_data(sizes=(4, 0, 3))


@pytest.mark.parametrize("method", ["bicubic", "nearest"])
def test_an_enlarged_data_set_keeps_labels_and_rows(data, method, user_cache) -> None:
    made = load_enlarged(data, method)
    loaded = load_enlarged(data, method)
    for name, split in data.splits().items():
        for one in (made.splits()[name], loaded.splits()[name]):
            np.testing.assert_array_equal(one.images, enlarge(split.images, method))
            np.testing.assert_array_equal(one.labels, split.labels)
            np.testing.assert_array_equal(one.rows, split.rows)
            assert not one.images.flags.writeable
    assert made.sha256 == loaded.sha256 != data.sha256
    assert method in made.source and made.is_sample == data.is_sample
    assert len(list(user_cache.iterdir())) == 1


def test_images_of_one_picture_are_leaks_even_where_their_enlargements_differ(data, user_cache) -> None:
    images = np.concatenate([data.train.images[2:3], data.test.images[1:]])
    repeating = replace(data, test=replace(data.test, images=images))
    made = load_enlarged(repeating, "bicubic")
    apart = replace(made.test, images=made.test.images ^ 1)
    assert leaked_mask(made.train, made.test).tolist() == [True, False, False]
    assert leaked_mask(made.train, apart).tolist() == [True, False, False]


def test_origins_that_are_known_are_kept(data, user_cache) -> None:
    train, validation, test = (replace(split, origins=split.rows + 7) for split in data.splits().values())
    made = load_enlarged(replace(data, train=train, validation=validation, test=test), "nearest")
    assert [split.origins.tolist() for split in made.splits().values()] == [[7, 8, 9, 10], [], [11, 12, 13]]


def test_the_cache_is_read_and_not_made_again(data, user_cache) -> None:
    load_enlarged(data, "nearest")
    (path,) = user_cache.iterdir()
    os.utime(path, ns=(1, 1))
    load_enlarged(data, "nearest")
    assert path.stat().st_mtime_ns == 1


@pytest.mark.parametrize("damage", ["cut", "flipped", "text"])
def test_a_damaged_cache_is_made_anew(data, user_cache, damage) -> None:
    load_enlarged(data, "nearest")
    (path,) = user_cache.iterdir()
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 1
    path.unlink()  # arrays that are still mapped keep what they had
    path.write_bytes({"cut": content[:1000], "flipped": content, "text": b"no archive"}[damage])
    again = load_enlarged(data, "nearest")
    np.testing.assert_array_equal(again.train.images, enlarge_nearest(data.train.images))
    assert len(path.read_bytes()) == len(content)


def test_other_images_rows_or_methods_have_caches_of_their_own(data, user_cache) -> None:
    brighter = replace(data.train, images=data.train.images // 2)
    renumbered = replace(data.train, rows=data.train.rows + 1)
    variants = [data, replace(data, train=brighter), replace(data, train=renumbered), replace(data, sha256="other")]
    keys = [load_enlarged(variant, "nearest").sha256 for variant in variants]
    keys.append(load_enlarged(data, "bicubic").sha256)
    assert len(set(keys)) == len(list(user_cache.iterdir())) == 5


def test_without_a_cache_folder_the_data_are_enlarged_all_the_same(data, user_cache) -> None:
    user_cache.write_text("a file in its place")
    with pytest.warns(UserWarning, match="could not be cached"):
        enlarged = load_enlarged(data, "nearest")
    assert enlarged.test.images.shape == (3, 96, 96, 1)


def test_a_generator_that_is_no_keras_file_is_named(data, user_cache, tmp_path) -> None:
    path = tmp_path / "generator.keras"
    path.write_text("no zip file")
    with pytest.raises(ValueError, match=r"must be a whole \.keras file\. .*generator\.keras \(File is not"):
        load_enlarged(data, "srgan", path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(ValueError, match=r"must be a whole \.keras file\. .*model\.weights\.h5"):
        load_enlarged(data, "srgan", path)


def test_methods_and_generators_must_go_together(data, user_cache, tmp_path) -> None:
    with pytest.raises(ValueError, match="Received: 'lanczos'"):
        load_enlarged(data, "lanczos")
    with pytest.raises(ValueError, match="Received: 'srgan' with None"):
        load_enlarged(data, "srgan")
    with pytest.raises(ValueError, match="Received: 'nearest' with"):
        load_enlarged(data, "nearest", tmp_path / "generator.keras")
    with pytest.raises(ValueError, match="must name the file of a generator"):
        load_enlarged(data, "srgan", tmp_path / "generator.keras")
