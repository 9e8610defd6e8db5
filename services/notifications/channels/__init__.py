"""How mails leave: one file per channel, and the menu."""

from __future__ import annotations

from typing import Final

from services.notifications.channels.smtp import Smtp

CHANNELS: Final = {"smtp": Smtp}

__all__ = ["CHANNELS", "Smtp"]
