"""Access: who may reach what, to the second; which paths are open, and until when.

Owns    entitlements (one per learner, the strictest open case of a subscription decides, R-X2), path
        enrolments with their re-enrolment deadlines (F22), what the learning platform was told.
Hears   dunning: schools, deadlines, suspensions, restorations, ends of contracts; payments: subscriptions;
        itself: the hours at which a level or a path was to be looked at again.
Says    AccessSuspended, AccessRestored, PathEnrolled, EnrolmentClosed, EnrolmentReopened, PlatformTold,
        PlatformRefused. Logging in is never refused and progress is never touched (F20, F29).
"""

from __future__ import annotations
