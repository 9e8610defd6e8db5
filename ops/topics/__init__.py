"""What operators see of topics: which facts they hold, which the journals still have, and what was parked."""
