"""What a pose estimator would make of a body in front of a virtual camera, with the mistakes that they make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FRAMES = ((640, 480), (960, 540), (480, 640), (540, 960), (600, 600))  # width, height
Random = np.random.RandomState

# COCO-WholeBody's body and feet, left and right.
SIDES = ((5, 7, 9, 11, 13, 15, 17, 18, 19), (6, 8, 10, 12, 14, 16, 20, 21, 22))
ARMS, LEGS = ((7, 9), (8, 10)), ((13, 15, 17, 18, 19), (14, 16, 20, 21, 22))
MIRROR = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15, 20, 21, 22, 17, 18, 19]
SMALL_TOES, FEET = (18, 21), (17, 18, 19, 20, 21, 22)
NUM_BODY = 23


@dataclass(frozen=True)
class View:
    """Keypoints in a picture: (T, 23, 2) pixels, (T, 23) scores with 0 for not seen, and the picture's size."""

    points: np.ndarray
    scores: np.ndarray
    width: int
    height: int


def look(body: np.ndarray, random: Random) -> View:
    """A camera at random looks at a body (T, 23, 3) and an estimator at its picture."""
    width, height = FRAMES[random.randint(len(FRAMES))]
    seen_height = float(np.exp(random.uniform(np.log(0.22), np.log(0.95))))
    points, depth = _project(body, width, height, seen_height, random)
    size = seen_height * height  # of the person, pixels
    scores = _visibility(body, depth, random)
    points, scores = _swap(points, scores, depth, random)
    points = _shake(_lag(points, random), size, scores, random)
    scores = _lose(scores, random)
    points, scores = _cut(points, scores, width, height, random)
    return View(points, scores, width, height)


def _project(
    body: np.ndarray, width: int, height: int, seen_height: float, random: Random
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (T, 23, 2) and distances from the camera (T, 23), by a pinhole camera that may follow the person."""
    focal = float(np.exp(random.uniform(np.log(0.7), np.log(2.5))))  # in picture heights
    focal = max(focal, 2.2 * seen_height / 1.75)  # nobody films a whole body from nearer than that
    distance = focal * 1.75 / seen_height
    elevation = np.deg2rad(np.clip(random.normal(8, 12), -12, 45))
    heading = random.uniform(0, 2 * np.pi)
    roll = np.deg2rad(random.normal(0, 3))
    hips = body[:, 11:13].mean(axis=1)
    centre = np.median(hips, axis=0)
    centre[1] = 0.5 * (body[..., 1].max(axis=1).mean() + body[..., 1].min(axis=1).mean())
    toward = np.array(
        [np.sin(heading) * np.cos(elevation), np.sin(elevation), np.cos(heading) * np.cos(elevation)], np.float32
    )
    right = np.array([np.cos(heading), 0, -np.sin(heading)], np.float32)
    up = np.cross(toward, right)
    # A camera that follows takes away some of the person's path, smoothly and not quite.
    follows = random.choice([0.0, 1.0, random.uniform(0, 1)], p=[0.6, 0.25, 0.15])
    path = _smooth_path(hips - np.median(hips, axis=0), random) * follows * np.array([1, 0.2, 1], np.float32)
    relative = body - centre - path[:, None]
    depth = np.maximum(distance - relative @ toward, 0.3 * distance)
    plane = np.stack([relative @ right, -(relative @ up)], axis=-1) / depth[..., None] * (focal * height)
    c, s = np.cos(roll), np.sin(roll)
    plane = plane @ np.array([[c, s], [-s, c]], np.float32)
    place = np.array([random.uniform(0.25, 0.75) * width, random.uniform(0.4, 0.6) * height], np.float32)
    handheld = _wander(len(body), 0.006 * random.rand(), random) * height
    return (plane + place + handheld[:, None]).astype(np.float32), depth


def _smooth_path(path: np.ndarray, random: Random) -> np.ndarray:
    width = min(random.randint(1, 12), len(path))
    padded = np.pad(path, ((width, width), (0, 0)), mode="edge")
    sums = np.cumsum(padded, axis=0)
    return ((sums[width:] - sums[:-width])[width // 2 : width // 2 + len(path)] / width).astype(np.float32)


def _wander(frames: int, step: float, random: Random) -> np.ndarray:
    return (np.cumsum(random.normal(0, 1, (frames, 2)), axis=0) * step / 3).astype(np.float32)


def _visibility(body: np.ndarray, depth: np.ndarray, random: Random) -> np.ndarray:
    """Scores (T, 23): high, and lower on the far side of a person in profile and for a face that looks away."""
    scores = np.clip(1 - np.abs(random.normal(0, 0.06, depth.shape)), 0.05, 1)
    # Estimators differ in how much they trust what they guess.
    trust = random.uniform(0, 1)
    width = np.linalg.norm(body[:, 5] - body[:, 6], axis=-1)
    for near, far in ((0, 1), (1, 0)):
        hidden = (depth[:, 5 + far] - depth[:, 5 + near]) / width > 0.75  # over 49 degrees to the side
        scores[:, SIDES[far]] *= np.where(hidden, random.uniform(trust, 1, len(body)), 1)[:, None]
    nose_away = depth[:, 0] > depth[:, 3:5].mean(axis=1)
    scores[:, :5] *= np.where(nose_away, random.uniform(trust, 1, len(body)), 1)[:, None]
    return scores.astype(np.float32)


def _stretch(frames: int, random: Random, longest: float = 0.6) -> slice:
    length = random.randint(1, max(int(frames * longest), 2) + 1)
    start = random.randint(0, max(frames - length, 0) + 1)
    return slice(start, start + length)


def _swap(points: np.ndarray, scores: np.ndarray, depth: np.ndarray, random: Random) -> tuple[np.ndarray, np.ndarray]:
    """Left taken for right: the whole body seen from behind, legs or arms where they cross."""
    frames = len(points)
    points, scores = points.copy(), scores.copy()
    behind = (depth[:, 0] > depth[:, 3:5].mean(axis=1)).mean()
    if random.rand() < 0.06 + 0.12 * behind:
        part = slice(0, frames) if random.rand() < 0.5 else _stretch(frames, random)
        points[part], scores[part] = points[part][:, MIRROR], scores[part][:, MIRROR]
    for limbs, chance in ((ARMS, 0.05), (LEGS, 0.15)):
        apart = np.abs(points[:, limbs[0][0], 0] - points[:, limbs[1][0], 0])
        size = np.ptp(points[..., 1], axis=1) + 1
        for _ in range(2):
            if random.rand() < chance:
                crossed = np.zeros(frames, bool)
                crossed[_stretch(frames, random, 0.3)] = True
                crossed &= apart < 0.12 * size
                both, swapped = [*limbs[0], *limbs[1]], [*limbs[1], *limbs[0]]
                points[np.ix_(crossed, both)] = points[np.ix_(crossed, swapped)]
    return points, scores


def _lag(points: np.ndarray, random: Random) -> np.ndarray:
    """Estimators that smooth over time come late."""
    if random.rand() < 0.5:
        return points
    keep = random.uniform(0, 0.5)
    out = points.copy()
    for t in range(1, len(out)):
        out[t] = keep * out[t - 1] + (1 - keep) * points[t]
    return out


def _shake(points: np.ndarray, size: float, scores: np.ndarray, random: Random) -> np.ndarray:
    """Jitter: more for small, fast and hidden; a constant slip of each keypoint; and now and then one far off."""
    frames = len(points)
    pixel = 0.6  # of what an estimator can tell in a small picture
    level = size * float(np.exp(random.uniform(np.log(0.002), np.log(0.012)))) + pixel
    speed = np.linalg.norm(np.gradient(points, axis=0), axis=-1) if frames > 1 else np.zeros(points.shape[:2])
    spread = level * (1 + 2 * (1 - scores)) + 0.08 * speed
    white = random.normal(0, 1, points.shape)
    slow = white.copy()
    for t in range(1, frames):
        slow[t] = 0.8 * slow[t - 1] + 0.6 * slow[t]
    mix = random.uniform(0, 1)
    slip = random.normal(0, 0.008 * size, (1, *points.shape[1:]))
    out = points + slip + spread[..., None] * (mix * white + (1 - mix) * slow)
    wild = random.rand(*points.shape[:2]) < 0.006 * random.rand()
    return np.where(wild[..., None], out + random.normal(0, 0.15 * size, points.shape), out).astype(np.float32)


def _lose(scores: np.ndarray, random: Random) -> np.ndarray:
    """Keypoints, limbs, feet and whole frames that are not found."""
    frames = len(scores)
    scores = scores * (random.rand(*scores.shape) >= 0.04 * random.rand())
    if random.rand() < 0.8:
        scores[:, SMALL_TOES] = 0
    if random.rand() < 0.12:
        scores[:, FEET] = 0
    for limb in (*ARMS, *LEGS):
        if random.rand() < 0.06:
            scores[_stretch(frames, random), limb] = 0
    if random.rand() < 0.1:
        scores[random.rand(frames) < 0.3] = 0
    return scores.astype(np.float32)


def _cut(
    points: np.ndarray, scores: np.ndarray, width: int, height: int, random: Random
) -> tuple[np.ndarray, np.ndarray]:
    """The edge of the picture, in places moved in so that it cuts a person off below or at a side."""
    x, y = points[..., 0], points[..., 1]
    inside = (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
    if random.rand() < 0.15:
        # Seen from about the middle of the thigh, or of the shank, upwards.
        hips, ankles = np.median(y[:, 11:13]), np.median(y[:, 15:17])
        inside &= y <= hips + random.uniform(0.1, 0.9) * max(ankles - hips, 1)
    elif random.rand() < 0.08:
        middle, reach = np.median(x[:, 11:13]), np.ptp(y) * random.uniform(0.05, 0.3)
        inside &= (x <= middle + reach) if random.rand() < 0.5 else (x >= middle - reach)
    scores = np.where(inside, scores, 0).astype(np.float32)
    return np.where(scores[..., None] > 0, points, 0).astype(np.float32), scores
