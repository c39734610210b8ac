"""How a stored picture is turned and mirrored before it is shown, as one number: that of EXIF.

1 as it is, 2 mirrored left to right, 3 turned by 180 degrees, 4 mirrored top to bottom, 5 transposed, 6 turned by 90
degrees clockwise, 7 transposed along the other diagonal, 8 turned by 90 degrees counterclockwise.
"""

import numpy as np

UPRIGHT = 1
NUMBERS = {
    (False, False, False): 1,
    (False, False, True): 2,
    (False, True, True): 3,
    (False, True, False): 4,
    (True, False, False): 5,
    (True, False, True): 6,
    (True, True, True): 7,
    (True, True, False): 8,
}
"""By what is done, in this order: transpose, then mirror top to bottom, then left to right."""
STEPS = {number: steps for steps, number in NUMBERS.items()}

DEGENERATE = 0.1
"""A matrix that squeezes a square to less than this share of what a turned one would cover says nothing."""


def of_matrix(matrix: bytes) -> int:
    """Return the nearest of the eight orientations to a display matrix of FFmpeg; that of a degenerate one is 1.

    Args:
        matrix: nine int32 in the machine's order: a b u, c d v, x y w. A stored pixel (x, y) is shown at
            (a x + c y, b x + d y).
    """
    a, b, _, c, d, *_ = np.frombuffer(matrix, np.int32).astype(np.float64).tolist()
    if abs(a * d - b * c) <= DEGENERATE * max(map(abs, (a, b, c, d))) ** 2:
        return UPRIGHT
    if abs(b) + abs(c) > abs(a) + abs(d):
        return NUMBERS[True, b < 0, c < 0]
    return NUMBERS[False, d < 0, a < 0]


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Return a picture (H, W, C) as it is shown: a view, (W, H, C) for the orientations from 5 on."""
    transpose, down, across = STEPS[orientation]
    if transpose:
        pixels = pixels.swapaxes(0, 1)
    return pixels[:: -1 if down else 1, :: -1 if across else 1]
