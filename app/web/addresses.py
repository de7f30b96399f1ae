"""The addresses of many things alike: making each by itself takes longer than the rest of a long page."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import chain, zip_longest
from typing import Any

from flask import url_for


def addresses(endpoint: str, *names: str, **values: Any) -> Callable[..., str]:
    """A function that takes the parts called `names`, in the order in which the address has them, and gives it.

    The parts are ids and keys: they stand in the address as they are, so none may need quoting.
    """
    given: dict[str, Any] = values | {name: f"-{name}-" for name in names}
    parts = re.split("|".join(f"-{name}-" for name in names), url_for(endpoint, **given))
    return lambda *ids: "".join(chain.from_iterable(zip_longest(parts, ids, fillvalue="")))
