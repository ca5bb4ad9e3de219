"""One thread: these tests compute little, often."""

import torch

torch.set_num_threads(1)
