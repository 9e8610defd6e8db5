"""A whole town of schools in one process, where every bad day can be lived through again from its number.

All five services run unmodified on a seeded event loop, over stand-ins for PostgreSQL, Kafka, the gateways and
the mail provider that break in every way the real ones break (docs/reference/simulation.md).
"""
