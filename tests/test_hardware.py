import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import tensorflow as tf

from fer_lib import hardware
from fer_lib.hardware import code_version, describe_hardware, describe_packages, resolve_precision


@pytest.fixture
def gpus(monkeypatch):
    """Function that puts GPUs of the given compute capabilities into the machine, as far as TensorFlow tells."""

    def install(*capabilities):
        details = {f"gpu{index}": capability for index, capability in enumerate(capabilities)}
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: list(details))
        monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: details[gpu])

    return install


@pytest.fixture
def cpuinfo(monkeypatch, tmp_path):
    """Function that sets the text of /proc/cpuinfo; before it is called there is no such file."""
    path = tmp_path / "cpuinfo"
    monkeypatch.setattr(hardware, "Path", {"/proc/cpuinfo": path}.__getitem__)
    return path.write_text


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_a_precision_that_is_named_is_taken(precision, gpus):
    gpus()
    assert resolve_precision(precision) == precision


@pytest.mark.parametrize("precision", ["float16", "", None])
def test_another_precision_is_refused(precision):
    with pytest.raises(ValueError, match=r"one of \['auto', 'bfloat16', 'float32'\]. Received: " + repr(precision)):
        resolve_precision(precision)


@pytest.mark.parametrize(
    ("text", "precision"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx512f avx512_bf16 amx_tile\n", "bfloat16"),
        ("flags\t\t: fpu amx_bf16\n", "bfloat16"),
        ("processor\t: 0\nFeatures\t: fp asimd bf16 i8mm\n", "bfloat16"),
        ("flags\t\t: fpu avx2 avx512f f16c\n", "float32"),
        ("flags\t\t: fpu\nmodel name\t: the bf16 processor\n", "float32"),
        ("", "float32"),
    ],
)
def test_auto_is_bfloat16_where_the_processor_has_it(text, precision, cpuinfo, gpus):
    gpus()
    cpuinfo(text)
    assert resolve_precision("auto") == precision


def test_auto_is_float32_where_the_processor_is_unknown(cpuinfo, gpus):
    gpus()
    assert resolve_precision() == "float32"


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [([(8, 0)], "bfloat16"), ([(9, 0), (8, 6)], "bfloat16"), ([(7, 5)], "float32"), ([(8, 6), (7, 0)], "float32")],
)
def test_auto_is_bfloat16_where_every_gpu_has_it(capabilities, precision, gpus):
    gpus(*({"compute_capability": capability} for capability in capabilities))
    assert resolve_precision("auto") == precision


def test_a_gpu_that_does_not_tell_is_taken_for_an_old_one(gpus):
    gpus({})
    assert resolve_precision("auto") == "float32"


def test_hardware_can_be_written_as_json(gpus, cpuinfo):
    gpus({"device_name": "A card"}, {})
    cpuinfo("processor\t: 0\nmodel name\t: A processor: fast\nprocessor\t: 1\nmodel name\t: A processor: fast\n")
    described = describe_hardware()
    assert json.loads(json.dumps(described)) == described
    assert (described["processor"], described["gpus"]) == ("A processor: fast", ["A card", "GPU"])
    assert described["cores"] >= 1 and described["memory_gib"] > 0


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system cannot keep a process to a core")
def test_a_process_kept_to_one_core_has_one(gpus):
    gpus()
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert describe_hardware()["cores"] == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_the_processor_has_a_name_where_linux_does_not_give_one(gpus, cpuinfo):
    gpus()
    assert describe_hardware()["processor"]


def test_versions_of_packages(monkeypatch):
    monkeypatch.setattr(hardware, "RECORDED_PACKAGES", ("keras", "no-such-package"))
    assert describe_packages() == {
        "python": platform.python_version(),
        "keras": version("keras"),
        "no-such-package": "not installed",
    }


def git(folder: Path, *arguments):
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def checkout(monkeypatch, tmp_path):
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(hardware, "PROJECT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


def test_code_version_is_the_commit_and_tells_changed_files(checkout):
    git(checkout, "init", "--quiet")
    (checkout / "file.py").write_text("old")
    git(checkout, "add", "file.py")
    git(checkout, "commit", "--quiet", "--no-verify", "--no-gpg-sign", "-m", "A commit")
    clean = code_version()
    assert len(clean) == 12 and int(clean, 16) >= 0
    (checkout / "file.py").write_text("new")
    assert code_version() == f"{clean}-dirty"


def test_code_version_is_unknown_outside_of_a_checkout(checkout):
    assert code_version() == "unknown"
    git(checkout, "init", "--quiet")
    assert code_version() == "unknown"  # no commit yet


def test_code_version_is_unknown_where_there_is_no_git(checkout, monkeypatch):
    monkeypatch.setenv("PATH", str(checkout))
    assert code_version() == "unknown"


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="oneDNN is chosen on x86 alone")
@pytest.mark.parametrize(("own", "asked"), [({}, True), ({"TF_ENABLE_ONEDNN_OPTS": "0"}, False)])
def test_onednn_computes_unless_the_user_says_otherwise(own, asked):
    """Whatever the processor: TensorFlow by itself leaves AVX2 processors without."""
    told = """
import fer_lib
from fer_lib.hardware import describe_hardware
from tensorflow.python.util import _pywrap_util_port
print(describe_hardware()["onednn"], _pywrap_util_port.IsMklEnabled())
"""
    inherited = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    found = subprocess.run(
        [sys.executable, "-c", told], env=inherited | own, check=True, capture_output=True, text=True
    )  # fmt: skip
    assert found.stdout.split() == [str(asked)] * 2


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="oneDNN is chosen on x86 alone")
def test_nothing_is_noted_of_kernels_where_tensorflow_was_there_first():
    told = "import tensorflow; from fer_lib.hardware import describe_hardware; print(describe_hardware()['onednn'])"
    inherited = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    found = subprocess.run([sys.executable, "-c", told], env=inherited, check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "None"
