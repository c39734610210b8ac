"""The colour of a glowing black body: Planck's law, seen with the CIE's colour matching functions of 1931.

These are taken as sums of bells (Wyman, Sloan & Shirley, 2013, Table 1), which are within 2 % of what was measured.
"""

import numpy as np

BELLS = {
    "x": ((1.056, 599.8, 37.9, 31.0), (0.362, 442.0, 16.0, 26.7), (-0.065, 501.1, 20.4, 26.2)),
    "y": ((0.821, 568.8, 46.9, 40.5), (0.286, 530.9, 16.3, 31.1)),
    "z": ((1.217, 437.0, 11.8, 36.0), (0.681, 459.0, 26.0, 13.8)),
}
"""Height, centre, and width below and above it, in nanometres."""
TO_RGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
"""From XYZ to linear sRGB (IEC 61966-2-1)."""
SECOND_CONSTANT = 1.4388e7
"""Of Planck's law, h c / k in nanometres times kelvin."""
DAYLIGHT = 6500
"""Kelvin of light that is white."""
DISPLAY_GAMMA = 2.2


def gains(kelvin: float) -> tuple[float, float, float]:
    """Return by what red, green and blue pixels are multiplied in light of this temperature, at most 1 each."""
    relative = (_linear(kelvin) / _linear(DAYLIGHT)).clip(0)
    red, green, blue = (relative / relative.max()) ** (1 / DISPLAY_GAMMA)
    return float(red), float(green), float(blue)


def _linear(kelvin: float) -> np.ndarray:
    """Return its linear red, green and blue, of any brightness."""
    length = np.arange(380.0, 781.0)
    power = length**-5 / np.expm1(SECOND_CONSTANT / (length * kelvin))
    seen = [sum(_bell(length, *bell) for bell in bells) @ power for bells in BELLS.values()]
    return TO_RGB @ np.array(seen) / power.sum()


def _bell(length: np.ndarray, height: float, centre: float, below: float, above: float) -> np.ndarray:
    return height * np.exp(-0.5 * ((length - centre) / np.where(length < centre, below, above)) ** 2)
