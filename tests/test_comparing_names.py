"""Which run a person means by a name, and what is told where that cannot be known."""

import pytest
from fake_runs import write_fake_run

from fer_lib.comparing import find_run, known_runs, name_run
from fer_lib.published import publish_run
from fer_lib.runs import write_obstacle


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Runs of two profiles and published ones: light_vgg in all, lda and qda in one each."""
    root = tmp_path_factory.mktemp("places")
    runs, published = root / "runs", root / "published"
    for profile, variant in (("paper", "light_vgg"), ("quick", "light_vgg"), ("paper", "lda")):
        write_fake_run(runs, profile, variant)
    for variant in ("light_vgg", "qda"):
        run = write_fake_run(root / "elsewhere", variant=variant)
        publish_run(run, published / "shi_light_vgg" / variant / "seed-0")
    return {"runs": runs, "published": published}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("shi_light_vgg/lda/seed-0", "paper/shi_light_vgg/lda/seed-0"),
        ("shi_light_vgg/qda/seed-0/", "published/shi_light_vgg/qda/seed-0"),
        ("paper/shi_light_vgg/light_vgg/seed-0", "paper/shi_light_vgg/light_vgg/seed-0"),
        (" quick/shi_light_vgg/light_vgg/seed-0", "quick/shi_light_vgg/light_vgg/seed-0"),
        ("published/shi_light_vgg/light_vgg/seed-0", "published/shi_light_vgg/light_vgg/seed-0"),
    ],
)
def test_a_run_is_found_by_its_name(places, name, expected):
    assert name_run(find_run(name, **places), **places) == expected


def test_every_known_run_is_found_by_its_name(places):
    known = known_runs(**places)
    assert len(known) == 5
    for name, run in known.items():
        assert find_run(name, **places).folder.resolve() == run.folder.resolve()
        assert name_run(run, **places) == name


def test_a_profile_says_which_of_several_is_meant(places):
    name = "shi_light_vgg/light_vgg/seed-0"
    assert find_run(name, "quick", **places).folder == places["runs"] / "quick" / name
    assert find_run(f"published/{name}", "quick", **places).folder == places["published"] / name
    with pytest.raises(ValueError, match="a run must be the folder of one or"):
        find_run("shi_light_vgg/lda/seed-0", "quick", **places)


def test_a_folder_is_a_name_wherever_it_stands(places, tmp_path, monkeypatch):
    run = write_fake_run(tmp_path)
    assert find_run(str(run.folder), **places).folder == run.folder
    assert name_run(run, **places) == str(run.folder)
    monkeypatch.chdir(run.folder.parent)
    assert find_run("seed-0", **places).folder == run.folder
    monkeypatch.chdir(places["runs"] / "paper")
    assert find_run("./shi_light_vgg/light_vgg/seed-0", **places).folder.parts[-4] == "paper"
    monkeypatch.chdir(places["runs"])
    assert find_run("paper/shi_light_vgg/lda/seed-0", **places).folder.parts[-4] == "paper"


def test_several_runs_of_one_name_are_all_told(places, tmp_path, monkeypatch):
    name = "shi_light_vgg/light_vgg/seed-0"
    with pytest.raises(ValueError, match="several runs are called so: ") as error:
        find_run(name, **places)
    for profile in ("paper", "quick", "published"):
        assert f"{profile}/{name}" in str(error.value)
    write_fake_run(tmp_path, variant="lda")
    monkeypatch.chdir(tmp_path / "paper")
    with pytest.raises(ValueError, match=f"several .*paper/shi_light_vgg/lda/seed-0, {tmp_path}.*; name one of them"):
        find_run("shi_light_vgg/lda/seed-0", **places)


@pytest.mark.parametrize("name", ["shi_light_vgg/ldaa/seed-0", "lda", "shi_light_vgg/lda", "shi_light_vgg/lda/seed-1"])
def test_what_is_not_there_is_answered_with_what_is_nearby(places, name):
    with pytest.raises(ValueError, match="a run must be the folder of one or") as error:
        find_run(name, **places)
    told = str(error.value)
    assert told.endswith(f"Received: {name!r}")
    assert told.index("paper/shi_light_vgg/lda/seed-0") < told.index("light_vgg/seed-0, ")


@pytest.mark.parametrize("name", ["", "  ", "/", "../../..", "~nobody/x", "a\x00b"])
def test_odd_names_are_refused_in_words(places, name):
    with pytest.raises(ValueError, match="Received: "):
        find_run(name, **places)


def test_without_any_run_it_is_said(tmp_path):
    with pytest.raises(
        ValueError, match="there is no complete run yet, neither trained nor published. Received: 'a/b/c'"
    ):
        find_run("a/b/c", runs=tmp_path / "runs", published=tmp_path / "published")


def test_a_folder_that_is_no_complete_run_is_refused(places, tmp_path):
    run = write_fake_run(tmp_path)
    with pytest.raises(ValueError, match="this one does not; below it are seed-0. Received"):
        find_run(str(run.folder.parent), **places)
    with pytest.raises(ValueError, match="this one does not; below it are quick/shi_light_vgg/light_vgg/seed-0. Rec"):
        find_run(str(places["runs"] / "quick" / "shi_light_vgg"), **places)
    (run.folder / "metrics.json").rename(run.folder / "metrics.json.old")
    with pytest.raises(ValueError, match="that run is not complete: metrics.json, written last, is missing. Received"):
        find_run(str(run.folder), **places)
    write_obstacle(run.folder, "no weights of ImageNet are here")
    with pytest.raises(ValueError, match="that run could not be made: no weights of ImageNet are here. Received"):
        find_run(str(run.folder), **places)


@pytest.mark.parametrize(("file", "text"), [("config.json", "{"), ("metrics.json", "[")])
def test_a_damaged_file_of_a_run_is_named(places, tmp_path, file, text):
    run = write_fake_run(tmp_path)
    (run.folder / file).write_text(text)
    with pytest.raises(ValueError, match=f"^{run.folder / file} must be a JSON object, whole. Received: "):
        find_run(str(run.folder), **places)


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("config.json", "must be a JSON object with the field 'request'"),
        ("metrics.json", "must be those of a run, whole"),
    ],
)
def test_files_of_something_else_are_told(places, tmp_path, file, told):
    run = write_fake_run(tmp_path)
    (run.folder / file).write_text("{}")
    with pytest.raises(ValueError, match=f"{told}.* Received: "):
        find_run(str(run.folder), **places)
