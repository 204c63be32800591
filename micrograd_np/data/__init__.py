"""Data: sets of samples, loaders that cut them into batches, toy problems, and arrays larger than memory."""

from micrograd_np.core.messages import explain_all_keywords as _explain_all_keywords
from micrograd_np.core.settings import check_all as _check_all
from micrograd_np.core.spellings import explain_names as _explain_names

from .dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    collate,
    random_split,
)  # fmt: skip
from .loader import DataLoader
from .mapped import memory_map, write_rows
from .samplers import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)  # fmt: skip
from .toys import blobs, circles, moons, sine, spirals, xor

__all__ = [
    "BatchSampler", "ChainDataset", "ConcatDataset", "DataLoader", "Dataset", "IterableDataset", "RandomSampler",
    "Sampler", "SequentialSampler", "StackDataset", "Subset", "SubsetRandomSampler", "TensorDataset",
    "WeightedRandomSampler", "blobs", "circles", "collate", "memory_map", "moons", "random_split", "sine", "spirals",
    "write_rows", "xor",
]  # fmt: skip

_check_all(__all__, globals())
_explain_all_keywords(__all__, globals(), always=True)
_explain_names(globals())
