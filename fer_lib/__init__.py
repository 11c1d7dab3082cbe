"""Replication suite for facial expression recognition: five papers, each checked number by number."""

import os
import platform
import sys

__version__ = "0.1.0"

if platform.machine() in ("x86_64", "AMD64") and "tensorflow" not in sys.modules:
    # TensorFlow reads this once, as it is imported. By itself it takes oneDNN's kernels only where the processor has
    # AVX-512 VNNI or its like; on an AVX2 processor its own take twice (model A) to four times (ResNet50) as long.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
