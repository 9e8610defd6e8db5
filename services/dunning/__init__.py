"""Dunning: the only decision-maker; one case per (subscription, billing period).

Owns: cases, policies and their versions, school calendars and closures, the guidance queue, the resume planner.
Hears: payments (attempts, methods, challenges, subscriptions, money back), access (enrolments), notifications
(mails that left), and itself (what people did, what fell due).
Says: what was decided about a failed payment, and what is asked of payments, access, credits and notifications.
"""
