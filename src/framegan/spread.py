"""Which of many samples stand for all of them."""

from framegan import noise


def spread(num_wanted: int, num_there: int) -> list[int]:
    """Return the numbers of at most `num_wanted` of `num_there` samples, spread evenly over their order, to be shown.

    Data that lie class by class are then represented class by class.
    """
    count = min(num_wanted, num_there)
    return [place * num_there // count for place in range(count)]


def chosen(num_wanted: int, num_there: int, draw: int = 0) -> list[int]:
    """Return the numbers of at most `num_wanted` of `num_there` samples that are to be measured, in random order.

    Whatever the order of the samples is, by class or with every so-many-th alike, no part of those that are chosen is
    bent by it. They are no better spread than at random either: scores are made for samples that were drawn.

    Args:
        draw: another one chooses others.
    """
    return noise.generator(draw, noise.CHOICE).permutation(num_there)[:num_wanted].tolist()
