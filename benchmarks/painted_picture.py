"""Brush strokes along whirls, blue and yellow, drawn by a formula: the picture that others are made like."""

import numpy as np
from PIL import Image, ImageDraw

BLUE = np.array([(18, 32, 84), (30, 62, 140), (52, 104, 178), (104, 160, 206), (20, 80, 110)])
YELLOW = np.array([(246, 202, 64), (252, 232, 150), (226, 140, 40)])
SIDE, DRAWN = 192, 768
"""Pixels of the picture, and of the one that is drawn and made smaller, so that strokes have soft edges."""
STROKES, WHIRLS, PIECES = 5200, 5, 7


def painting() -> Image.Image:
    random = np.random.default_rng(3)
    centres, turns = (
        random.uniform(0, 1, (WHIRLS, 2)),
        random.choice([-1, 1], WHIRLS) * random.uniform(0.7, 1.3, WHIRLS),
    )
    picture = Image.new("RGB", (DRAWN, DRAWN), tuple(BLUE[0]))
    draw = ImageDraw.Draw(picture)
    for place in random.uniform(-0.02, 1.02, (STROKES, 2)):
        nearest = np.hypot(*(centres - place).T).min()
        colours = YELLOW if random.random() < 0.95 * np.exp(-((nearest / 0.12) ** 2)) else BLUE
        colour = (colours[random.integers(len(colours))] + random.normal(0, 8, 3)).clip(0, 255).astype(int)
        points = [place]
        for _ in range(PIECES):
            away = points[-1] - centres
            along = turns / ((away**2).sum(1) + 0.005) @ (away[:, ::-1] * (-1, 1)) + (0.2, 0.1)
            points.append(points[-1] + along / np.hypot(*along) / 96)
        draw.line([tuple(DRAWN * point) for point in points], tuple(colour), DRAWN // 64, "curve")
    return picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
