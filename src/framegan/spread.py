"""Which of many samples stand for all of them."""


def spread(num_wanted: int, num_there: int) -> list[int]:
    """Return the numbers of at most `num_wanted` of `num_there` samples, spread evenly over their order.

    Data that lie class by class are then represented class by class.
    """
    count = min(num_wanted, num_there)
    return [place * num_there // count for place in range(count)]
