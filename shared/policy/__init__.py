"""The policy (rule pack): what all services must read alike; its numbers come from files, never from code."""

from shared.policy.load import Fault, PolicyError, load_policies
from shared.policy.model import Band, Charge, Policy, policy_id

__all__ = ["Band", "Charge", "Fault", "Policy", "PolicyError", "load_policies", "policy_id"]
