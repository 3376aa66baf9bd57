"""The feature objectives by their kind in the recipe."""

from collections.abc import Callable, Mapping

from torch import nn

from tasks.teaching.objectives.attention import AttentionLoss
from tasks.teaching.objectives.contrastive import CrdLoss
from tasks.teaching.objectives.hint import HintLoss
from tasks.teaching.objectives.information import VidLoss
from tasks.teaching.objectives.relation import RelationLoss
from tasks.teaching.objectives.review import ReviewLoss
from tasks.teaching.objectives.similarity import PktLoss, SimilarityLoss

FeatureModule = Callable[..., nn.Module]
"""(parameters, shapes of the student's layers, of the teacher's, size of the training split) -> module"""

FEATURE_OBJECTIVES: Mapping[str, FeatureModule] = {
    "hint": HintLoss,
    "attention": AttentionLoss,
    "similarity": SimilarityLoss,
    "relation": RelationLoss,
    "pkt": PktLoss,
    "vid": VidLoss,
    "crd": CrdLoss,
    "review": ReviewLoss,
}
