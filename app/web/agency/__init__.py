"""One agency's return: the task list, the standards, checking, signing, the receipt, the history."""

from app.web.agency import (
    after,
    answering,
    board,
    carrying,
    changes,
    checking,
    recommended,
    saving,
    signing,
    sites,
    tasks,
    vouching,
)
from app.web.agency.blueprint import blueprint

__all__ = [
    "after",
    "answering",
    "blueprint",
    "board",
    "carrying",
    "changes",
    "checking",
    "recommended",
    "saving",
    "signing",
    "sites",
    "tasks",
    "vouching",
]
