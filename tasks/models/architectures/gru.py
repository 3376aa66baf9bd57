"""GRU: the network of `lstm`, with other cells."""

from tasks.models.architectures.lstm import RecurrentNet
from tasks.models.family import Family

ARCHITECTURE = Family(RecurrentNet, layouts=("sequence",))
