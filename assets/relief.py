"""Solid shapes of balls, tubes and inflated outlines, lit by one lamp: what assets/figure.py is drawn with.

Points are in shoulder widths from the midpoint of the shoulders: x to the right of the image, y down, z to the viewer.
Images are float32 BGR, FACTOR times larger than the video.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

WIDTH, HEIGHT = 640, 480
FACTOR = 2  # drawn this many times larger, then averaged
UNIT = 168.0 * FACTOR  # one shoulder width
ORIGIN = np.array([320.0, 262.0]) * FACTOR  # the midpoint of the shoulders
LAMP = np.array([-0.45, -0.60, 0.66], np.float32)
SIZE = (HEIGHT * FACTOR, WIDTH * FACTOR)
Colour = tuple[float, float, float] | np.ndarray


def to_pixels(points: np.ndarray) -> np.ndarray:
    """Points (..., 2 or 3) as whole pixels of the enlarged image (..., 2)."""
    return np.rint(np.asarray(points)[..., :2] * UNIT + ORIGIN).astype(np.int32)


def soften(image: np.ndarray, sigma: float) -> np.ndarray:
    """A Gaussian blur of sigma shoulder widths."""
    return cv2.GaussianBlur(image, (0, 0), sigma * UNIT)


def blend(image: np.ndarray, colour: np.ndarray, mask: np.ndarray) -> None:
    """Lays a colour over the image where mask (H, W) is 1, in place."""
    image[:] = image + (colour - image) * mask[..., None]


@dataclass
class Relief:
    """What is in front at each pixel: height (pixels), direction of the surface and colour."""

    height: np.ndarray = field(default_factory=lambda: np.full(SIZE, -np.inf, np.float32))
    normal: np.ndarray = field(default_factory=lambda: np.zeros((*SIZE, 3), np.float32))
    colour: np.ndarray = field(default_factory=lambda: np.zeros((*SIZE, 3), np.float32))

    def ball(self, centre: np.ndarray | tuple[float, float, float], radius: float, colour: Colour) -> None:
        """Adds the visible half of a ball at centre (3,)."""
        middle, radius = np.asarray(centre) * UNIT + [*ORIGIN, 0], radius * UNIT
        x0, y0 = np.maximum(np.floor(middle[:2] - radius), 0).astype(int)
        x1, y1 = np.maximum(np.ceil(middle[:2] + radius) + 1, 0).astype(int)
        tile = np.s_[y0:y1, x0:x1]
        height = self.height[tile]
        dx = np.arange(x0, x0 + height.shape[1], dtype=np.float32)[None] - middle[0]
        dy = np.arange(y0, y0 + height.shape[0], dtype=np.float32)[:, None] - middle[1]
        dz = np.sqrt(np.maximum(radius**2 - dx**2 - dy**2, 0))
        front = (dz > 0) & (middle[2] + dz > height)
        height[front] = (middle[2] + dz)[front]
        self.normal[tile][front] = (np.stack(np.broadcast_arrays(dx, dy, dz), -1) / radius)[front]
        self.colour[tile][front] = colour

    def tube(self, points: np.ndarray | list, radii: np.ndarray | list, colour: Colour) -> None:
        """Adds a chain of balls through points (K, 3) with radii (K,)."""
        points = np.asarray(points)
        for a, b, r, s in zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True):
            steps = max(2, int(np.linalg.norm(b - a) / (0.12 * min(r, s))))
            for t in np.linspace(0, 1, steps):
                self.ball(a + (b - a) * t, r + (s - r) * t, colour)

    def outline(self, points: np.ndarray, bulge: float, colour: Colour, hole: np.ndarray | None = None) -> None:
        """Adds an outline (K, 2) inflated to a round edge of width `bulge`, less a hole (K, 2) that stays open."""
        filled = np.zeros(SIZE, np.uint8)
        cv2.fillPoly(filled, [to_pixels(points)], (255,))
        inside = soften(filled, 0.02) > 127
        edge = bulge * UNIT
        depth = np.minimum(cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5), edge)
        height = soften(np.sqrt(np.maximum(edge**2 - (edge - depth) ** 2, 0)), 0.02)
        slope = [cv2.Sobel(height, -1, dx, 1 - dx, scale=1 / 8) for dx in (1, 0)]
        normal = np.dstack([-slope[0], -slope[1], np.ones_like(height)])
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        if hole is not None:
            opening = np.zeros(SIZE, np.uint8)
            cv2.fillPoly(opening, [to_pixels(hole)], (1,))
            inside &= opening == 0
        inside &= height > self.height
        self.height[inside], self.normal[inside], self.colour[inside] = height[inside], normal[inside], colour


def light(image: np.ndarray, relief: Relief, smooth: float = 0.008, shadow: float = 0.35) -> None:
    """Paints a relief over the image: a soft shadow first, then the lit surface, darker in folds and at the rim.

    Args:
        image: (H, W, 3), changed in place.
        relief: the shapes.
        smooth: how far neighbouring directions are averaged, shoulder widths.
        shadow: how dark the shadow is, 0..1.
    """
    margin = int(0.25 * UNIT)
    x, y, w, h = cv2.boundingRect(np.isfinite(relief.height).astype(np.uint8))
    tile = np.s_[max(y - margin, 0) : y + h + margin, max(x - margin, 0) : x + w + margin]
    image, solid = image[tile], np.isfinite(relief.height[tile])
    mask = solid.astype(np.float32)
    aside = np.array([[1, 0, 0.04 * UNIT], [0, 1, 0.05 * UNIT]], np.float32)
    image *= (1 - shadow * soften(cv2.warpAffine(mask, aside, mask.shape[::-1]), 0.05))[..., None]
    normal = soften(relief.normal[tile], smooth)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-6
    height = np.where(solid, relief.height[tile], 0).astype(np.float32)
    around = soften(height, 0.02) / (soften(mask, 0.02) + 1e-6)
    fold = np.clip((around - height) / (0.06 * UNIT), 0, 1)
    shade = 0.58 + 0.50 * np.clip(normal @ LAMP, 0, 1)
    shade *= (1 - 0.45 * fold) * (0.70 + 0.30 * np.clip(normal[..., 2] * 1.6, 0, 1))
    blend(image, relief.colour[tile] * shade[..., None], cv2.GaussianBlur(mask, (0, 0), 0.8) * mask)


def stain(
    image: np.ndarray,
    centre: tuple[float, float],
    axes: tuple[float, float],
    colour: Colour,
    strength: float = 1.0,
    soft: float = 0.006,
    arc: tuple[int, int] = (0, 360),
) -> None:
    """Blends an ellipse, or the part of one between two angles, with a soft edge over the image, in place."""
    mask = np.zeros(SIZE, np.uint8)
    size = (round(axes[0] * UNIT), round(axes[1] * UNIT))
    x, y = to_pixels(np.array(centre)).tolist()
    cv2.ellipse(mask, (x, y), size, 0, *arc, (255,), -1, cv2.LINE_AA)
    blend(image, np.array(colour, np.float32), strength * soften(mask, soft).astype(np.float32) / 255)


def curve(points: np.ndarray) -> np.ndarray:
    """A closed outline (K, 2) with its corners cut four times (Chaikin's algorithm)."""
    for _ in range(4):
        after = np.roll(points, -1, axis=0)
        points = np.stack([0.75 * points + 0.25 * after, 0.25 * points + 0.75 * after], 1).reshape(-1, 2)
    return points


def both_sides(half: list[tuple[float, float]]) -> np.ndarray:
    """A smooth closed outline from its half on the right of the image, top to bottom."""
    points = np.array(half)
    return curve(np.concatenate([points, (points * [-1, 1])[::-1]]))
