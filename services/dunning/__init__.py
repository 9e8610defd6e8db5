"""Dunning: the only decision-maker; one case per (subscription, billing period)."""
