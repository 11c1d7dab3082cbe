"""Who is drawn, from where, and in what light: everything about a face but its expression."""

from dataclasses import dataclass

import numpy as np

HAIR_STYLES: dict[str, float] = {
    "short": 0.26,
    "receding": 0.08,
    "bald": 0.05,
    "fringe": 0.14,
    "side parting": 0.13,
    "centre parting": 0.13,
    "tied back": 0.07,
    "curly": 0.09,
    "beanie": 0.03,
    "scarf": 0.02,
}
"""Share of each hair style or head cover."""

LONG_STYLES = ("fringe", "side parting", "centre parting")
"""Styles whose hair may fall beside the face."""


@dataclass(frozen=True)
class Identity:
    """A person. Lengths are in face units: half the width of the face is about 1; shades are reflectances in [0, 1]."""

    age: float
    child: bool
    bearded: float
    skin: float
    hair: float
    hair_style: str
    hair_volume: float
    long_hair: bool
    cloth: float
    width: float
    jaw: float
    chin: float
    length: float
    eye_spacing: float
    eye_width: float
    eye_height: float
    eye_tilt: float
    lid_fold: float
    iris: float
    brow_height: float
    brow_arch: float
    brow_thickness: float
    brow_slope: float
    brow_shade: float
    nose_length: float
    nose_width: float
    nose_height: float
    mouth_height: float
    mouth_width: float
    upper_lip: float
    lower_lip: float
    lip_shade: float
    mouth_curve: float
    cheeks: float
    glasses: str


@dataclass(frozen=True)
class View:
    """Camera and light.

    Attributes:
        yaw_degrees: head turned to the picture's right.
        pitch_degrees: head raised.
        roll_degrees: head tilted, clockwise in the picture.
        unit: pixels of the 48×48 picture per face unit.
        shift: where the face's centre stands from the picture's, in pixels: right, down.
        light: direction towards the light, unit vector: right, down, to the camera.
        ambient: share in [0, 1] of the light that comes from everywhere.
    """

    yaw_degrees: float
    pitch_degrees: float
    roll_degrees: float
    unit: float
    shift: tuple[float, float]
    light: tuple[float, float, float]
    ambient: float


def _around(rng: np.random.Generator, middle: float, spread: float) -> float:
    """A value around `middle`, at most two spreads away."""
    return middle + spread * float(np.clip(rng.normal(), -2, 2))


def _sample_hair(rng: np.random.Generator, age: float, skin: float) -> float:
    """Reflectance of the hair: dark on dark skin, grey or white with age, else anything."""
    if age > 0.6 and rng.random() < 0.7:
        return rng.uniform(0.4, 0.78)
    if skin < 0.58 or rng.random() < 0.55:
        return rng.uniform(0.04, 0.16)
    return rng.uniform(0.16, 0.6)


def _sample_beard(rng: np.random.Generator, beardless: bool) -> float:
    """Density of the beard: none, stubble, or full."""
    if beardless or rng.random() < 0.6:
        return 0.0
    return rng.uniform(0.15, 0.4) if rng.random() < 0.5 else rng.uniform(0.6, 0.9)


def _sample_glasses(rng: np.random.Generator, child: bool) -> str:
    if child or rng.random() > 0.14:
        return "none"
    return str(rng.choice(["round", "square", "thin"]))


def sample_identity(rng: np.random.Generator) -> Identity:
    """Draw a person.

    Args:
        rng: consumed.
    """
    child = rng.random() < 0.15
    age = 0.0 if child else float(rng.beta(1.3, 1.6))
    skin = float(
        np.clip(rng.choice([_around(rng, 0.82, 0.05), _around(rng, 0.7, 0.06), _around(rng, 0.5, 0.07)]), 0, 1)
    )
    hair = _sample_hair(rng, age, skin)
    styles = list(HAIR_STYLES)
    style = styles[rng.choice(len(styles), p=list(HAIR_STYLES.values()))]
    style = "short" if child and style in ("bald", "receding") else style
    long_hair = style in LONG_STYLES and rng.random() < 0.7
    small = 1.0 if child else 0.0
    return Identity(
        age=age,
        child=child,
        bearded=_sample_beard(rng, child or long_hair or style == "scarf"),
        skin=skin,
        hair=hair,
        hair_style=style,
        hair_volume=rng.uniform(0.06, 0.2),
        long_hair=long_hair,
        cloth=rng.uniform(0.06, 0.88),
        width=_around(rng, 1.0, 0.035) + 0.03 * small,
        jaw=_around(rng, 1.0, 0.055) + 0.03 * small,
        chin=_around(rng, 1.0, 0.14),
        length=_around(rng, 1.46, 0.06) - 0.2 * small,
        eye_spacing=_around(rng, 0.43, 0.018),
        eye_width=_around(rng, 0.235, 0.012) + 0.02 * small,
        eye_height=_around(rng, 0.112, 0.013) + 0.012 * small,
        eye_tilt=_around(rng, 0.012, 0.018),
        lid_fold=_around(rng, 0.065, 0.018),
        iris=rng.choice([rng.uniform(0.05, 0.15), rng.uniform(0.2, 0.4)]),
        brow_height=_around(rng, 0.265, 0.024) - 0.01 * small,
        brow_arch=_around(rng, 0.06, 0.022),
        brow_thickness=_around(rng, 0.075, 0.014) - 0.015 * small - 0.01 * long_hair,
        brow_slope=_around(rng, 0.0, 0.018),
        brow_shade=float(np.clip(0.75 * hair + rng.uniform(0.0, 0.08), 0.03, 0.45)),
        nose_length=_around(rng, 0.56, 0.035) - 0.09 * small,
        nose_width=_around(rng, 0.195, 0.022) + 0.02 * (skin < 0.58),
        nose_height=_around(rng, 0.27, 0.035) - 0.07 * small,
        mouth_height=_around(rng, 0.96, 0.03) - 0.12 * small,
        mouth_width=_around(rng, 0.345, 0.025) - 0.04 * small,
        upper_lip=_around(rng, 0.075, 0.013) - 0.02 * age,
        lower_lip=_around(rng, 0.105, 0.015) - 0.02 * age,
        lip_shade=rng.uniform(0.42, 0.62) if long_hair and rng.random() < 0.5 else rng.uniform(0.66, 0.82),
        mouth_curve=_around(rng, 0.0, 0.014),
        cheeks=_around(rng, 0.07, 0.02) + 0.03 * small,
        glasses=_sample_glasses(rng, child),
    )


def sample_view(rng: np.random.Generator) -> View:
    """Draw a pose, a crop and a light.

    Args:
        rng: consumed.
    """
    azimuth = np.radians(_around(rng, 0.0, 30.0))
    elevation = np.radians(rng.uniform(5.0, 55.0))
    across = np.cos(elevation)
    return View(
        yaw_degrees=_around(rng, 0.0, 7.0),
        pitch_degrees=_around(rng, 0.0, 3.5),
        roll_degrees=_around(rng, 0.0, 6.0),
        unit=rng.uniform(18.5, 22.5),
        shift=(_around(rng, 0.0, 1.8), _around(rng, 0.0, 1.6)),
        light=(float(np.sin(azimuth) * across), float(-np.sin(elevation)), float(np.cos(azimuth) * across)),
        ambient=rng.uniform(0.45, 0.75),
    )
