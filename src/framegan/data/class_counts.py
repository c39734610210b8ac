"""How many samples of each class a source has."""

from framegan.data.clips import Clips
from framegan.data.source import Source


def class_counts(source: Source) -> list[int]:
    """Return the number of samples of each class, by class.

    Every sample is read once where the source has no `labels`.
    """
    if isinstance(source, Clips):
        labels = [source.videos.label(video) for video in source.kept]
    else:
        found = getattr(source, "labels", None)
        labels = [source[number][1] for number in range(len(source))] if found is None else [int(x) for x in found]
    counts = [0] * source.num_classes
    for label in labels:
        counts[label] += 1
    return counts
