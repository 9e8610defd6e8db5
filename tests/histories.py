"""How many generated histories a property is held against: few for every change, 20,000 when it is asked for.

The command is in CONTRIBUTING.md. Which test holds which of the twelve invariants of domain.md §2.4:

1. one payment for a period: test_histories (both schools)
2. the gateway's attempts are never ours: test_histories (Japan)
3. one automatic attempt a day, ten, on jours ouvrables, none after the end: test_histories (France)
4. full access before the deadline, none from it on: test_histories (France), access/test_interleaving
5. no school mail on a closed day: notifications/test_properties
6. My Page opens on the announced day alone: test_histories (Japan)
7. credits add up, held ones are not booked, lessons go before credits: credits/test_invariant, test_histories (Japan)
8. the old price survives a recovery and no exhaustion: test_histories (Japan)
9. a replay changes nothing: dunning/test_any_order
10. any order, twice and late, ends the same: dunning/test_any_order, access/test_interleaving
11. a date that was told never moves earlier: test_histories (both schools)
12. no answer beyond a calendar's horizon: dunning/policies/test_retries, shared/calendar/test_days
"""

from __future__ import annotations

import os


def histories(usual: int) -> int:
    """``RELANCE_HISTORIES`` where it is set, else the usual number."""
    return int(os.environ.get("RELANCE_HISTORIES", usual))
