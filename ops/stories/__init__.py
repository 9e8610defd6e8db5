"""Dated stories of a school: what happened, what was done, and what must come of it.

A story is a YAML file (docs/reference/stories.md). ``model`` reads it, ``runner`` plays it on an ``Engine``
(``memory`` here, a whole stack elsewhere), ``expect`` compares, ``telling`` prints what happened line by line.
"""

from __future__ import annotations
