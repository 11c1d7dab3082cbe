"""Images and the settings of every augmentation, for the tests of both ways to augment."""

import numpy as np

IMAGES = np.random.default_rng(0).random((8, 48, 48, 1), np.float32)
ALL = {
    "horizontal_flip": True,
    "rotation_degrees": 10,
    "shift_fraction": 0.1,
    "zoom_fraction": 0.1,
    "crop_side": 44,
}
