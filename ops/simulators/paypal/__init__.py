"""PayPal as the unmodified SDK sees it: its own three attempts, its endings, its orders and its signature."""

from __future__ import annotations
