"""What a school does about a failed payment, as data: read, checked, explained, and turned into dates.

``presets()`` holds the policies that come with Relance; ``dates`` makes every instant with its reason.
"""

from __future__ import annotations

from services.dunning.policies.library import preset, presets, with_overrides
from services.dunning.policies.policy import Policy, policy_from_data
from services.dunning.policies.problems import PolicyRefused, Problem
from services.dunning.policies.reader import Reading, read_policies, read_policy
from services.dunning.policies.readings import READINGS, ReadingSwitch

__all__ = [
    "READINGS",
    "Policy",
    "PolicyRefused",
    "Problem",
    "Reading",
    "ReadingSwitch",
    "policy_from_data",
    "preset",
    "presets",
    "read_policies",
    "read_policy",
    "with_overrides",
]
