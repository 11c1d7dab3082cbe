"""JupyterLab on the project's notebooks, in the kernel of this environment: `python -m fer_lib.lab [OPTION]...`.

The only importer of JupyterLab. Whatever else the user has installed stays: other kernels, settings, extensions.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from fer_lib.paths import NOTEBOOKS

PATHS = ("FER2013_CSV", "FERPLUS_CSV", "SFEW_FOLDER", "FER_LIB_REPORTS", "FER_LIB_CACHE")
"""Variables that name a file or folder."""

START = {"TF_CPP_MIN_LOG_LEVEL": "2", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
"""As in a batch; what the user has set goes before."""

JUPYTER = Path(__file__).with_name("jupyter")
"""The kernel of this environment, which leaves what TensorFlow's libraries write as they start to the terminal; and
defaults under the user's own settings of JupyterLab: nothing is asked, and nothing fetched, as it opens."""


def lab_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables with which every notebook finds the kernel of this environment, and the data where it was named.

    Jupyter looks for the kernel `python3` in JUPYTER_PATH before anything else, so ours comes first there; its `python`
    is the one that runs Jupyter. Kernels start in the folder of their notebook, so a relative path is made absolute.

    Args:
        environment: variables by name, as the user has set them.

    Returns:
        All of them, those changed.
    """
    absolute = {name: str(Path(environment[name]).expanduser().absolute()) for name in PATHS if environment.get(name)}
    search = {name: _with_ours_first(environment.get(name)) for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH")}
    return {**START, **environment, **absolute, **search}


def main(options: Sequence[str]) -> None:
    """Open JupyterLab, and serve it until it is shut down.

    Args:
        options: more options of `jupyter lab`, for example `--no-browser`.
    """
    os.environ.update(lab_environment(os.environ))
    from jupyterlab.labapp import main as open_lab  # type: ignore[import-untyped]

    open_lab([f"--ServerApp.root_dir={NOTEBOOKS}", *options])


def _with_ours_first(paths: str | None) -> str:
    return os.pathsep.join([str(JUPYTER), *filter(None, [paths])])


if __name__ == "__main__":
    main(sys.argv[1:])
