"""How many samples of each class a source has."""

from framegan.data.source import Source, class_counts_of, counted


def class_counts(source: Source) -> list[int]:
    """Return the number of samples of each class, by class; every sample is read once where the source doesn't say."""
    told = class_counts_of(source)
    return told or counted([int(source[number][1]) for number in range(len(source))], source.num_classes)
