"""The tree by which shards are added depends on their number alone."""

import numpy as np
import pytest

from micrograd_np.distributed.tree import Part, block, fold, nodes, push


def by_hand(vectors):
    """The sum by the tree, by recursion: the left part has the most shards that a power of two allows."""
    n = len(vectors)
    if n == 1:
        return vectors[0]
    left = 1
    while 2 * left < n:
        left *= 2
    return by_hand(vectors[:left]) + by_hand(vectors[left:])


@pytest.mark.parametrize("shards", [1, 2, 3, 5, 8, 12, 13, 64])
def test_any_number_of_workers_adds_in_one_order(shards):
    rng = np.random.default_rng(shards)
    vectors = rng.normal(size=(shards, 5)).astype("float32") * 10.0 ** rng.integers(-6, 6, (shards, 1)).astype(
        "float32"
    )
    expected = by_hand(vectors)
    for size in range(1, shards + 1):
        parts = []
        for rank in range(size):
            own = []
            for k in range(*block(rank, size, shards)):
                push(own, Part(k, k + 1, vectors[k].copy()), shards)
            assert [part[:2] for part in own] == nodes(*block(rank, size, shards), shards)
            parts += own
        np.testing.assert_array_equal(fold(parts, shards), expected)


def test_the_order_matters_so_that_the_test_above_can_fail():
    vectors = np.array([1e8, 1.0, -1e8, 1.0], "float32")
    assert by_hand(vectors) != vectors.astype("float64").sum()


@pytest.mark.parametrize("shards", [8, 16, 64])
def test_workers_share_shards_evenly_and_hold_few_vectors(shards):
    for size in range(1, shards + 1):
        blocks = [block(rank, size, shards) for rank in range(size)]
        assert blocks[0][0] == 0
        assert [stop for _, stop in blocks] == [*(start for start, _ in blocks[1:]), shards]
        assert max(b - a for a, b in blocks) - min(b - a for a, b in blocks) <= 1
        sums = [len(nodes(a, b, shards)) for a, b in blocks]
        if size > 1 and shards == 8:
            assert max(sums) + sum(sums) / size <= size + 2  # my sums, and one segment of those of all
