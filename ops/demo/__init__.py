"""Both procedures as four stories in virtual time, through real HTTP, Kafka, PostgreSQL and SMTP, for a newcomer."""
