"""The mailbox of a story in memory: takes a mail as it was composed, without sending its bytes anywhere."""

from __future__ import annotations

from email.message import EmailMessage

from services.notifications.carrier import AddressRefused, ProviderAway
from services.notifications.memory import Mailbox, read_message


class StoryMailbox(Mailbox):
    """Reading each mail back from its bytes is tested elsewhere and would take longer than everything else here."""

    async def deliver(self, message: EmailMessage) -> None:
        """See ``Channel``."""
        if self.away:
            raise ProviderAway("the mailbox is away")
        letter = read_message(message)
        if set(letter.to) <= self.refuses:
            raise AddressRefused(f"550 no such mailbox here: {len(letter.to)} recipient(s)")
        self.received.append(letter)
