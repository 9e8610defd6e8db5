"""The learner's side: what happened, what it means, until when, and the one thing to do now.

Owns: what pages read (a copy of the facts by learner, ids only), sessions, login links, hand-overs, offers.
Hears: dunning (cases, dates with their reasons, locks, schools), payments (subscriptions, receipts, challenges),
    access (levels, paths), credits (every movement), notifications (mails that left, learners).
Says: nothing. What a learner does is posted to its owner, and comes back as that owner's fact.
"""
