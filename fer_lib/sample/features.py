"""The parts of a face painted on its skin: eyes, brows, mouth, nostrils, beard."""

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from fer_lib.sample.anatomy import Eye, Face, Mouth
from fer_lib.sample.canvas import Canvas, closed, ellipse, grain, taper
from fer_lib.sample.identity import Identity


def _paint_eye(skin: Canvas, identity: Identity, eye: Eye) -> None:
    """White, iris, pupil and glint between the lids; lashes along them."""
    ball = Canvas(skin.view, 0.84)
    x, y = eye.iris[0]
    ball.fill(ellipse(x, y, eye.radius, eye.radius), 0.5 * identity.iris)
    ball.fill(ellipse(x, y, 0.78 * eye.radius, 0.78 * eye.radius), identity.iris)
    ball.fill(ellipse(x, y, 0.42 * eye.radius, 0.42 * eye.radius), 0.02)
    ball.stroke(eye.upper_lid + [0.0, 0.022], 0.045, 0.3)  # the lid's shadow on the eyeball
    glint = 0.35 * eye.radius
    ball.fill(ellipse(x + glint * np.sign(skin.view.light[0]), y - glint, 0.026, 0.026, 10), 1.0)
    skin.paste(ball, skin.mask(closed(eye.upper_lid, eye.lower_lid)))
    heavy = 0.055 if identity.long_hair else 0.04
    profile = np.interp(np.linspace(0, 1, len(eye.upper_lid)), [0, 0.3, 0.8, 1], [0.4, 1.0, 1.2, 0.5])
    skin.fill(taper(eye.upper_lid, heavy * profile), 0.06 + 0.12 * identity.skin)
    skin.stroke(eye.lower_lid[1:], 0.018, 0.55 * identity.skin)


def _paint_brows(skin: Canvas, identity: Identity, face: Face, rng: np.random.Generator) -> None:
    mask = Canvas(skin.view)
    for brow in face.brows.values():
        mask.fill(brow, 0.95)
    hairs = Canvas(skin.view, ImageChops.multiply(mask.picture, grain(rng, 96, 0.6, 1.0)))
    skin.paste(min(identity.brow_shade, 0.55 * identity.skin), hairs)


def _paint_opening(mouth: Mouth, skin: Canvas, teeth: tuple[bool, bool]) -> Canvas:
    """What is seen between the lips: dark, the tongue, the teeth."""
    inside = Canvas(skin.view, 0.06)
    if mouth.opening > 0.22:
        x, y = mouth.lower_inner[len(mouth.lower_inner) // 2]
        inside.fill(ellipse(x, y + 0.02, 0.2, 0.13), 0.28)
    bright = 0.88 * min(1.0, 0.45 + 5.0 * mouth.opening)
    if teeth[0]:
        inside.fill(closed(mouth.upper_inner - [0.0, 0.1], mouth.upper_inner + [0.0, 0.105]), bright)
    if teeth[1] and mouth.opening < 0.3:
        inside.fill(
            closed(mouth.lower_inner - [0.0, 0.4 * mouth.opening], mouth.lower_inner + [0.0, 0.1]), 0.9 * bright
        )
    if all(teeth) and mouth.opening < 0.22:
        inside.stroke(0.5 * (mouth.upper_inner + mouth.lower_inner) + [0.0, 0.02], 0.014, 0.3)
    for x, y in (mouth.upper_inner[0], mouth.upper_inner[-1]):
        inside.fill(ellipse(x, y, 0.05, 0.08, 12), 0.12)
    return inside


def _paint_mouth(skin: Canvas, identity: Identity, mouth: Mouth, teeth: tuple[bool, bool]) -> None:
    lip = identity.skin * identity.lip_shade
    skin.fill(closed(mouth.upper_outer, mouth.lower_outer), 0.88 * lip)
    skin.fill(closed(mouth.lower_inner, mouth.lower_outer), 1.06 * lip)
    if mouth.opening > 0.03:
        skin.paste(_paint_opening(mouth, skin, teeth), skin.mask(closed(mouth.upper_inner, mouth.lower_inner)))
        skin.stroke(mouth.upper_inner, 0.018, 0.25 * identity.skin)
        skin.stroke(mouth.lower_inner, 0.014, 0.4 * identity.skin)
    else:
        place = np.linspace(0, 1, len(mouth.upper_inner))
        width = 0.036 * np.interp(place, [0, 0.12, 0.5, 0.88, 1], [0.7, 1.1, 0.9, 1.1, 0.7])
        skin.fill(taper(mouth.upper_inner, width), 0.16 * identity.skin + 0.03)
    for x, y in (mouth.upper_inner[0], mouth.upper_inner[-1]):
        skin.fill(ellipse(x, y, 0.028, 0.024, 10), 0.35 * identity.skin)


def _paint_beard(skin: Canvas, identity: Identity, face: Face, rng: np.random.Generator) -> None:
    """Hair over the jaw, the chin and the upper lip, around the mouth."""
    mouth, half = face.mouth, len(face.outline) // 2
    jaw = face.outline[half // 2 + 2 : half + half // 2 - 1]
    left, right, bow = mouth.upper_outer[0], mouth.upper_outer[-1], mouth.upper_outer[len(mouth.upper_outer) // 2]
    edge = [[-0.88, 0.3], [-0.7, 0.62], left - [0.12, 0.1], bow - [0.12, 0.1]]
    edge += [bow + [0.12, -0.1], right + [0.12, -0.1], [0.7, 0.62], [0.88, 0.3]]
    mask = Canvas(skin.view)
    mask.fill(np.concatenate([jaw * 1.02, np.array(edge)]), identity.bearded)
    mask.fill(closed(mouth.upper_outer, mouth.lower_outer), 0.0)
    soft = mask.picture.reduce(2).filter(ImageFilter.GaussianBlur(1.5)).resize(mask.picture.size)
    hairs = ImageChops.multiply(soft, grain(rng, 80, 0.5, 1.0))
    skin.paste(min(identity.hair, 0.75 * identity.skin), Canvas(skin.view, hairs))


def paint_features(
    skin: Canvas, identity: Identity, face: Face, teeth: tuple[bool, bool], rng: np.random.Generator
) -> Image.Image:
    """Paint everything that has a shade of its own on the skin, before it is lit.

    Args:
        skin: painted on.
        identity: shades and thicknesses.
        face: the curves as seen.
        teeth: whether the upper and the lower teeth show, where the lips part.
        rng: consumed.

    Returns:
        The skin's picture.
    """
    if identity.bearded:
        _paint_beard(skin, identity, face, rng)
    for nostril in face.nostrils.values():
        skin.fill(nostril, 0.28 * identity.skin)
    for eye in face.eyes.values():
        _paint_eye(skin, identity, eye)
    _paint_brows(skin, identity, face, rng)
    _paint_mouth(skin, identity, face.mouth, teeth)
    return skin.picture
