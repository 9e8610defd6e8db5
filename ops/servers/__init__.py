"""The servers a school would otherwise have to install: PostgreSQL, Kafka and a mailbox, as plain processes.

Each is started from what package registries already deliver (no container), keeps what it knows under one data
folder, listens on this machine only, and is stopped by its own process id.
"""
