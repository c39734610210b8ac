"""The stream of samples: complete epochs, full batches, the same for any number of ranks and from any start."""

from itertools import chain, islice

from framegan.data.stream import TicketStream


def taken(num_batches, **options):
    stream = TicketStream(10, options.pop("batch_size", 4), seed=options.pop("seed", 1), **options)
    return list(chain.from_iterable(islice(iter(stream), num_batches)))


def test_every_epoch_holds_every_sample_once():
    tickets = taken(10)
    for epoch in range(4):
        assert sorted(index for index, e in tickets if e == epoch) == list(range(10))


def test_epochs_differ_and_seeds_differ():
    tickets = taken(5)
    assert [i for i, e in tickets if e == 0] != [i for i, e in tickets if e == 1]
    assert tickets != taken(5, seed=2)


def test_ranks_share_one_stream():
    alone = taken(5, batch_size=4)
    ranks = [taken(5, batch_size=2, rank=rank, num_ranks=2) for rank in range(2)]
    together = [ranks[r][b * 2 : b * 2 + 2] for b in range(5) for r in range(2)]
    assert list(chain.from_iterable(together)) == alone


def test_a_stream_goes_on_from_any_position():
    assert taken(3, start=8) == taken(5)[8:]
