"""The stream of samples: complete epochs, full batches, the same for any number of ranks and from any start."""

from itertools import chain, islice

from framegan.data.stream import BalancedStream, TicketStream


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


LABELS = [0] * 7 + [3] * 2 + [1]


def balanced(num_batches, batch_size=4, seed=1, **options):
    stream = BalancedStream(LABELS, batch_size, seed=seed, **options)
    return list(chain.from_iterable(islice(iter(stream), num_batches)))


def test_a_balanced_stream_draws_every_class_equally_often():
    tickets = balanced(63)  # 84 turns
    orders = [tuple(LABELS[index] for index, _ in tickets[k : k + 3]) for k in range(0, len(tickets), 3)]
    assert {tuple(sorted(order)) for order in orders} == {(0, 1, 3)}
    assert len(set(orders)) == 6, "in every order"
    assert len(set(tickets)) == len(tickets), "no sample twice with the same randomness"
    for label, size in ((0, 7), (3, 2), (1, 1)):
        members = [index for index in range(10) if LABELS[index] == label]
        of_class = [ticket for ticket in tickets if LABELS[ticket[0]] == label]
        for epoch in range(84 // size):
            assert sorted(index for index, e in of_class if e == epoch) == members


def test_a_balanced_stream_is_one_for_all_ranks_and_from_any_position():
    alone = balanced(15)
    ranks = [balanced(15, batch_size=2, rank=rank, num_ranks=2) for rank in range(2)]
    assert [ranks[r][b * 2 + k] for b in range(15) for r in range(2) for k in range(2)] == alone
    assert balanced(5, start=40) == alone[40:]
    assert balanced(15, seed=2) != alone
