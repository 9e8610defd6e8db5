"""A crowd of learners on real processes, a real PostgreSQL and a real Kafka, all of which are killed while they work.

``learners`` says who they are, ``outside`` is bank, mail and platform in files that outlive everything, ``place`` the
servers and processes, ``trouble`` who dies when, ``living`` the months, ``judging`` what must be true at the end.
"""
