"""How the student learns from its teacher."""

from typing import Literal

from params.annealing import ScheduledFraction, ScheduledTemperature
from params.objectives import Kl, Objectives
from params.section import Fraction, Section
from params.soft_labels import SoftLabelStore


class Distill(Section):
    """`loss = alpha * CE + (1 - alpha) * sum of weight * objective`: `alpha` weighs the hard label, everywhere."""

    alpha: ScheduledFraction = 0.1
    temperature: ScheduledTemperature = 4.0
    """of every soft-label objective that does not bring its own"""
    objectives: Objectives = (Kl(kind="kl"),)
    """any number of them add up"""
    confidence_threshold: Fraction = 0.0
    """a soft label speaks where the teacher's largest probability (at T = 1) reaches this"""
    confidence_mode: Literal["drop", "weight", "right"] = "drop"
    """drop: what is below the threshold is silent; weight: and the rest speaks as loud as the teacher is sure; right:
    and only where the teacher's answer is the label"""
    soft_labels: SoftLabelStore = SoftLabelStore()
