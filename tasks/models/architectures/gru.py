"""GRU: the layers of `lstm`, with other cells."""

from tasks.models.architectures.lstm import build_recurrent
from tasks.models.family import Family

ARCHITECTURE = Family(build_recurrent, layouts=("sequence",))
