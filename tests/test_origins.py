import re

import keras
import numpy as np
import pytest
from keras import layers

from fer_lib.files import file_sha256, write_npz
from fer_lib.origins import check_unchanged, network_sha256, origins_of


@pytest.fixture
def paper(tmp_path):
    """A folder of a paper with one network, of the variant `base`."""
    (tmp_path / "base" / "seed-2").mkdir(parents=True)
    make_network().save(tmp_path / "base" / "seed-2" / "model.keras")
    return tmp_path


def make_network():
    inputs = keras.Input((3,))
    return keras.Model(inputs, layers.Dense(2)(inputs))


def test_a_network_is_known_by_its_weights_however_often_it_is_saved(tmp_path):
    one, other = make_network(), make_network()
    for name, network in (("one", one), ("again", one), ("other", other)):
        network.save(tmp_path / f"{name}.keras")
    hashes = {name: network_sha256(tmp_path / f"{name}.keras") for name in ("one", "again", "other")}
    assert hashes["one"] == hashes["again"] != hashes["other"]


@pytest.mark.parametrize(
    "request_",
    [
        {"starts_from": {"variant": "base", "seed": 2}},
        {"enlarged_by": {"variant": "base", "seed": 2}},
        {"members": [{"variant": "base", "seed": 2}]},
    ],
)
def test_every_kind_of_source_is_named(paper, request_):
    network = paper / "base" / "seed-2" / "model.keras"
    assert origins_of(request_, paper) == {"base": network_sha256(network)}


def test_an_average_is_made_from_probabilities(paper):
    folder = paper / "base" / "seed-2"
    (folder / "model.keras").unlink()
    request = {"model": "average", "members": [{"variant": "base", "seed": 2}]}
    with pytest.raises(
        FileNotFoundError, match=f"^{re.escape(str(folder))} must hold the probabilities .* no predictions.npz$"
    ):
        origins_of(request, paper)
    write_npz(folder / "predictions.npz", {"single_test": np.zeros((1, 7))})
    assert origins_of(request, paper) == {"base": file_sha256(folder / "predictions.npz")}


def test_a_run_without_sources_has_none(paper):
    assert origins_of({"starts_from": None, "enlarged_by": "bicubic"}, paper) == {}


def test_a_network_that_is_gone_is_named_with_its_folder(paper):
    folder = paper / "base" / "seed-2"
    (folder / "model.keras").unlink()
    with pytest.raises(FileNotFoundError, match=f"^{re.escape(str(folder))} must hold the network .* no model.keras$"):
        origins_of({"members": [{"variant": "base", "seed": 2}]}, paper)


def test_a_file_that_is_cut_off_is_no_network(paper):
    path = paper / "base" / "seed-2" / "model.keras"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=f"whole .keras file. Received: {re.escape(str(path))}"):
        network_sha256(path)


def test_only_what_was_made_anew_is_named(tmp_path):
    check_unchanged(tmp_path, {"a": "1", "b": "2"}, {"a": "1", "b": "2"})
    with pytest.raises(ValueError, match="made anew since then: b$"):
        check_unchanged(tmp_path, {"a": "1", "b": "2"}, {"a": "1", "b": "3"})
