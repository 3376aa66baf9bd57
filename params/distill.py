"""How the student learns from the teacher."""

from pydantic import Field

from params.section import Fraction, Section


class Distill(Section):
    """`alpha * CE + (1 - alpha) * T^2 * KL`: `alpha` weighs the hard label, `temperature` is T."""

    alpha: Fraction = 0.1
    temperature: float = Field(default=4.0, gt=0, le=1000)
    confidence_threshold: Fraction = 0.0
    """the soft label of a sample speaks where the teacher's largest probability (at T = 1) reaches this"""
