"""Drafting packs in the browser: beginning one, its parts as forms, its files, trying its rules, sending and publishing
it."""

from app.web.drafts import beginning, files, parts, sending, trying
from app.web.drafts.blueprint import blueprint

__all__ = ["beginning", "blueprint", "files", "parts", "sending", "trying"]
