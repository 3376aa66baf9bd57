"""The feature objectives by their kind in the recipe."""

from collections.abc import Callable, Mapping

from torch import nn

from tasks.distill.objectives.attention import AttentionLoss
from tasks.distill.objectives.contrastive import CrdLoss
from tasks.distill.objectives.hint import HintLoss
from tasks.distill.objectives.information import VidLoss
from tasks.distill.objectives.relation import RelationLoss
from tasks.distill.objectives.review import ReviewLoss
from tasks.distill.objectives.similarity import PktLoss, SimilarityLoss

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
