"""Replay: what a service would know had it heard everything right, beside what it knows, and mending the difference."""
