"""What-if: another policy over the recorded months, decided by the very handlers that decide in production.

The world is taken as it was recorded: what gateways told, what people did, which mails left. Only dunning's decisions
are made anew, in memory and in virtual time. Where another policy would have asked the world something that was
never asked, the answer is unknown, and everything about that subscription is left out from there on.
"""
