"""A standard that asks about sites: on one page by site where it is short, on a page for each where it is long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.queries.returns import Checklist, Item, Place, Section
from app.queries.sites import SiteRow, site_rows

MOST_AT_ONCE = 30  # questions on one page, where there are several sites


@dataclass(frozen=True)
class Page:
    """What of a standard stands on one page.

    `items`: in the order of the page, what is asked of the whole agency first, then site by site. `sites`: where each
    has a page of its own, all of them. `site`: the one whose page this is; None on the page that leads to them.
    """

    items: Sequence[Item]
    sites: Sequence[SiteRow] = ()
    site: Place | None = None

    @property
    def place(self) -> int:
        """The number of its site among the sites, from 1; 0 on the page that leads to them."""
        return next((place for place, row in enumerate(self.sites, start=1) if row.site == self.site), 0)

    @property
    def after(self) -> Place | None:
        """The site whose page follows; None after the last, and where there are no such pages."""
        return self.sites[self.place].site if self.place < len(self.sites) else None

    @property
    def about(self) -> str | None:
        """What addresses name the page by."""
        return self.site.scope if self.site else None


def page_of(work: Checklist, section: Section, about: str) -> Page:
    """The page of a standard that is asked for: `about` is what its address names, which may be anything."""
    rows = site_rows(work, section)
    others = [item for item in section.items if item.criterion.scope != "site"]
    if not any(row.items for row in rows):
        return Page(section.items)
    if len(section.items) <= MOST_AT_ONCE or len(rows) == 1:
        return Page([*others, *(item for row in rows for item in row.items)])
    for row in rows:
        if row.site.scope == about:
            return Page(row.items, rows, row.site)
    return Page(others, rows)
