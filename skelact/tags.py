"""Text in pictures: tags beside what they tell of, off each other, and a bar below."""

from __future__ import annotations

import functools
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np

Colour = tuple[int, int, int]  # blue, green, red
Box = tuple[int, int, int, int]  # left, top, right, bottom, pixels; the last two exclusive
DARK: Colour = (24, 24, 24)
LIGHT: Colour = (245, 245, 245)
BAR_SHADE = 0.35  # what is left of the picture's brightness under the bar
ELLIPSIS = "…"


def draw_tag(
    image: np.ndarray,
    text: str,
    where: tuple[float, float],
    colour: Colour,
    size: int,
    taken: Sequence[Box] = (),
) -> Box:
    """Draw a filled tag with text above a place; see `place_tag`.

    Args:
        image: (H, W, 3) uint8, BGR; changed.
        text: in any script that the font, DejaVu Sans, knows; one that is too long is cut.
        where: x of its left side and y of its lower side, pixels.
        colour: of the tag.
        size: of the text, pixels.
        taken: where other tags are.

    Returns:
        Where the tag is.
    """
    height, width = image.shape[:2]
    pad = max(1, size // 4)
    mask = text_mask(text, size, max(1, width - 2 * pad))
    wanted = (mask.shape[1] + 2 * pad, mask.shape[0] + pad)
    box = place_tag(wanted, where, (width, height), taken)
    left, top, right, bottom = box
    image[top:bottom, left:right] = colour
    _ink(image, mask, (left + pad, top + pad // 2), DARK if _brightness(colour) > 110 else LIGHT)
    return box


def place_tag(size: tuple[int, int], where: tuple[float, float], picture: tuple[int, int], taken: Sequence[Box]) -> Box:
    """Where a tag goes: above a place, or as near to that as is inside the picture and, where it can be, off others.

    Args:
        size: width and height of the tag, pixels.
        where: x of its left side and y of its lower side, if it may be there.
        picture: width and height.
        taken: where other tags are.
    """
    width, height = min(size[0], picture[0]), min(size[1], picture[1])
    lowest = picture[1] - height
    left = round(float(np.clip(where[0], 0, picture[0] - width)))
    wanted = round(float(np.clip(where[1] - height, 0, lowest)))
    near = [box for box in taken if box[0] < left + width and left < box[2]]
    # If there is any place in this column, there is one at its ends or right above or below another tag.
    tops = [wanted, 0, lowest, *(box[1] - height for box in near), *(box[3] for box in near)]
    free = [top for top in tops if 0 <= top <= lowest and all(top + height <= box[1] or box[3] <= top for box in near)]
    top = min(free, key=lambda top: abs(top - wanted), default=wanted)
    return left, top, left + width, top + height


def bar_box(width: int, height: int, size: int) -> Box:
    """Where the bar is in a picture of this width and height, with text of this size; pixels."""
    return 0, max(0, height - sum(_font(size).getmetrics()) - size // 2), width, height


def draw_bar(image: np.ndarray, text: str, right: str, size: int) -> None:
    """Draw a dark bar along the lower side of a picture; see `bar_box`.

    Args:
        image: (H, W, 3) uint8, BGR; changed.
        text: at its left; cut where it is too long.
        right: at its right.
        size: of the text, pixels.
    """
    height, width = image.shape[:2]
    top, pad = bar_box(width, height, size)[1], size // 2
    end = text_mask(right, size, max(1, width - 2 * pad))
    start = text_mask(text, size, max(1, width - 3 * pad - end.shape[1]))
    image[top:] = cv2.convertScaleAbs(image[top:], alpha=BAR_SHADE)
    _ink(image, start, (pad, top + pad // 2), LIGHT)
    _ink(image, end, (max(0, width - pad - end.shape[1]), top + pad // 2), LIGHT)


def _ink(image: np.ndarray, mask: np.ndarray, where: tuple[int, int], colour: Colour) -> None:
    """Colour a picture as a text's mask says, as far as that is inside."""
    area = image[where[1] :, where[0] :][: mask.shape[0], : mask.shape[1]]
    if not area.size:
        return
    share = np.divide(mask[: area.shape[0], : area.shape[1]], 255, dtype=np.float32)
    ink = np.full(area.shape, colour, np.uint8)
    area[:] = cv2.blendLinear(area, ink, 1 - share, share)


def _brightness(colour: Colour) -> float:
    return 0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2]


@functools.lru_cache(maxsize=512)
def text_mask(text: str, size: int, widest: int) -> np.ndarray:
    """A text as (h, w) uint8, 255 where it is inked.

    Args:
        text: its line breaks become blanks.
        size: pixels.
        widest: pixels; a longer text is cut before its last word, which is often the figure.
    """
    from PIL import Image, ImageDraw

    font = _font(size)
    text = _shortened(" ".join(text.split()), lambda text: font.getlength(text) <= widest)
    ascent, descent = font.getmetrics()
    width = max(1, min(widest, int(np.ceil(font.getlength(text)))))
    picture = Image.new("L", (width, ascent + descent))
    ImageDraw.Draw(picture).text((0, 0), text, fill=255, font=font)
    return np.asarray(picture)


def _shortened(text: str, fits: Callable[[str], bool]) -> str:
    """As much of a text as fits, and where there is room for it its last word, with an ellipsis for the rest."""
    if fits(text):
        return text
    head, _, last = text.rpartition(" ")
    tail = f"{ELLIPSIS} {last}"
    if not head or not fits(head[0] + tail):
        head, tail = text, ELLIPSIS
    kept = bisect_left(range(1, len(head)), True, key=lambda length: not fits(head[:length].rstrip() + tail))
    return head[: max(1, kept)].rstrip() + tail


@functools.lru_cache(maxsize=16)
def _font(size: int) -> Any:
    from matplotlib import get_data_path
    from PIL import ImageFont

    return ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSans-Bold.ttf", size)
