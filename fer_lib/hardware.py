"""What a run is computed on, and the precision that suits it."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import tensorflow as tf

from fer_lib.budgets import PRECISIONS
from fer_lib.paths import PROJECT

RECORDED_PACKAGES = ("fer_lib", "tensorflow", "keras", "numpy", "scikit-learn")


def resolve_precision(precision: str = "auto") -> str:
    """Turn `auto` into bfloat16 where every device in use computes it in hardware, into float32 elsewhere.

    Raises:
        ValueError: if `precision` is none of `PRECISIONS`.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {list(PRECISIONS)}. Received: {precision!r}")
    if precision != "auto":
        return precision
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        capabilities = [
            tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0)) for gpu in gpus
        ]
        return "bfloat16" if min(capabilities) >= (8, 0) else "float32"
    return "bfloat16" if _processor_has_bfloat16() else "float32"


def describe_hardware() -> dict[str, Any]:
    """Processor, cores (those this process may use), memory in GiB, GPUs and oneDNN, JSON-ready.

    `onednn` is whether its kernels compute; None where that was left to TensorFlow.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else None
    details = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    return {
        "processor": _cpuinfo("model name") or platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(memory, 1) if memory else None,
        "gpus": [detail.get("device_name", "GPU") for detail in details],
        "onednn": {"0": False, "1": True}.get(os.environ.get("TF_ENABLE_ONEDNN_OPTS", "")),
    }


def describe_packages() -> dict[str, str]:
    """Versions of Python and of the packages that determine a result."""
    versions = {"python": platform.python_version()}
    for name in RECORDED_PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def code_version() -> str:
    """Commit of the checkout, with `-dirty` where files differ from it; `unknown` outside of one."""
    command = ["git", "-C", str(PROJECT), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _processor_has_bfloat16() -> bool:
    flags = _cpuinfo("flags").split() + _cpuinfo("Features").split()
    return not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(flags)


def _cpuinfo(field: str) -> str:
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return ""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == field), "")
