"""One agency's return: the task list, the standards, checking, signing, the receipt, the history."""

from app.web.agency import after, answering, checking, signing, tasks, vouching
from app.web.agency.blueprint import blueprint

__all__ = ["after", "answering", "blueprint", "checking", "signing", "tasks", "vouching"]
