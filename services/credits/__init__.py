"""Credits: every lesson credit that was granted, and where it is now; who booked which lesson with it.

Owns    one ledger per subscription (untouched, reserved, consumed, forfeited, expired; together all that was
        granted, none ever negative), grants, bookings, holds.
Hears   dunning: schools, cases, holds, releases, forfeitures, restorations, month grants; payments: subscriptions;
        itself: lessons that start, grants that expire, months that begin.
Says    CreditsGranted, CreditsExtended, LessonBooked, LessonCancelledByLearner, CreditsConsumed,
        CreditsExpired, CreditsHeld, CreditsReleased, LessonCancelledByAdmin, CreditsForfeited, CreditsRegranted.
"""

from __future__ import annotations
