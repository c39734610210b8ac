"""Sources read into memory as a whole."""

import torch

from framegan.data.images.image_folder import ImageFolder
from framegan.data.source import Source, TensorSource, classes_of
from framegan.data.videos.clips import Clips
from framegan.files.at_once import at_once


def in_memory(source: Source) -> Source:
    """Return the same source with all that it reads from in memory; what can't be read stops here, by name."""
    if isinstance(source, TensorSource):
        return source
    if isinstance(source, Clips | ImageFolder):
        return source.in_memory()
    samples = torch.empty((len(source), *source.shape), dtype=torch.uint8)
    labels = torch.empty(len(source), dtype=torch.int64)
    for index, (sample, label) in at_once(source.__getitem__, range(len(source)), "reading"):
        samples[index], labels[index] = sample, label
    return TensorSource(samples, labels, source.num_classes, source.split, classes_of(source))
