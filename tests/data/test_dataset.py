"""Sets of samples, their parts, and how samples become a batch."""

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import data


class Words(data.Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, i):
        return {"x": np.full(2, i, "f4"), "y": (i, float(i)), "word": "ab"[i % 2]}


def test_a_sample_may_be_any_tree_of_arrays_numbers_and_strings():
    batch = Words().batch([1, 2])
    assert batch["x"].tolist() == [[1, 1], [2, 2]]
    assert batch["x"].dtype == np.float32
    assert [y.tolist() for y in batch["y"]] == [[1, 2], [1.0, 2.0]]
    assert batch["y"][0].dtype == np.int64
    assert batch["word"] == ["b", "a"]


def test_samples_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match=r"found \(2,\) and \(3,\). Pad them"):
        data.collate([np.zeros(2), np.zeros(3)])


def test_tensors_of_different_lengths_make_no_set():
    with pytest.raises(ValueError, match=r"found \(3, 2\), \(2,\)"):
        data.TensorDataset(np.zeros((3, 2)), np.zeros(2))


def test_many_rows_at_once_are_the_same_as_one_by_one():
    x, y = np.random.default_rng(0).standard_normal((6, 2)), mg.Tensor(np.arange(6))
    found = data.TensorDataset(x, y)
    quick, slow = found.batch([4, 0, 4]), data.collate([found[i] for i in (4, 0, 4)])
    for a, b in zip(quick, slow, strict=True):
        np.testing.assert_array_equal(a.data, b.data)
        assert a.dtype == b.dtype


def test_a_batch_is_a_copy():
    x = np.zeros((3, 1))
    (batch,) = data.TensorDataset(x).batch([0, 1, 2])
    batch.data[...] = 1
    assert not x.any()


def test_a_split_is_disjoint_complete_and_repeatable():
    parts = data.random_split(range(11), [0.5, 0.3, 0.2], np.random.default_rng(0))
    assert [len(p) for p in parts] == [6, 3, 2]  # 5.5, 3.3 and 2.2 rounded down, and one left over
    assert sorted(p[i] for p in parts for i in range(len(p))) == list(range(11))
    again = data.random_split(range(11), [6, 3, 2], np.random.default_rng(0))
    assert [p.indices.tolist() for p in parts] == [p.indices.tolist() for p in again]


def test_lengths_that_do_not_add_up_are_refused():
    with pytest.raises(ValueError, match="add up to the 11 samples"):
        data.random_split(range(11), [5, 5])


def test_a_subset_of_a_subset_finds_its_samples():
    whole = data.TensorDataset(np.arange(10) * 10)
    inner = data.Subset(data.Subset(whole, [9, 7, 5, 3]), [1, 3])
    assert inner[0][0].item() == 70
    assert inner.batch([1, 0])[0].tolist() == [30, 70]


@pytest.mark.parametrize("toy", ["moons", "circles", "spirals", "xor", "blobs", "sine"])
def test_a_toy_problem_has_n_samples_and_is_drawn_from_its_generator_alone(toy):
    make = getattr(data, toy)
    x, y = make(31, generator=np.random.default_rng(5))
    again = make(31, generator=np.random.default_rng(5))
    assert len(x) == len(y) == 31
    assert np.isfinite(x).all()
    np.testing.assert_array_equal(x, again[0])
    np.testing.assert_array_equal(y, again[1])
    assert not np.array_equal(x, make(31, generator=np.random.default_rng(6))[0])


def test_xor_is_one_where_the_signs_differ():
    x, y = data.xor(50, generator=np.random.default_rng(0))
    assert (y == (x[:, 0] * x[:, 1] < 0)).all()


def test_rows_written_in_chunks_are_one_array_on_disk(tmp_path):
    rng = np.random.default_rng(0)
    chunks = [rng.standard_normal((n, 2, 3)).astype("f4") for n in (5, 1, 700)]
    path = data.write_rows(tmp_path / "rows.npy", iter(chunks))
    found = data.memory_map(path)
    assert isinstance(found, np.memmap)
    np.testing.assert_array_equal(found, np.concatenate(chunks))
    np.testing.assert_array_equal(np.load(path), np.concatenate(chunks))


def test_a_mapped_set_is_read_row_by_row(tmp_path):
    path = data.write_rows(tmp_path / "rows.npy", [np.arange(20.0).reshape(10, 2)])
    found = data.TensorDataset(data.memory_map(path))
    assert found.arrays[0].base is not None  # a view of the file, not a copy
    (batch,) = found.batch([3, 1])
    assert batch.tolist() == [[6, 7], [2, 3]]
    assert type(batch.data) is np.ndarray


def test_a_chunk_that_does_not_fit_leaves_no_file(tmp_path):
    with pytest.raises(ValueError, match="a chunk is float64 of shape"):
        data.write_rows(tmp_path / "rows.npy", [np.zeros((2, 3)), np.zeros((2, 4))])
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_array_is_refused(tmp_path):
    path = tmp_path / "rows.npy"
    path.write_bytes(b"not an array")
    with pytest.raises(ValueError, match=r"not a whole \.npy file"):
        data.memory_map(path)
    whole = data.write_rows(tmp_path / "whole.npy", [np.zeros((100, 3))])
    path.write_bytes(whole.read_bytes()[:-8])
    with pytest.raises(ValueError, match=r"not a whole \.npy file"):
        data.memory_map(path)
