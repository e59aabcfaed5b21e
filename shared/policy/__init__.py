"""The policy (rule pack): what all services must read alike; its numbers come from files, never from code."""

from shared.policy.faults import Fault
from shared.policy.load import Checked, PolicyError, check_policies, load_policies
from shared.policy.model import Policy, policy_id
from shared.policy.parts import Band, Charge

__all__ = ["Band", "Charge", "Checked", "Fault", "Policy", "PolicyError", "check_policies", "load_policies", "policy_id"]
