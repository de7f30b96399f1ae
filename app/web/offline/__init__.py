"""Working offline: spreadsheets, forms on paper, and bundles for another installation."""

from app.web.offline import bundles, downloads, uploads
from app.web.offline.blueprint import blueprint

__all__ = ["blueprint", "bundles", "downloads", "uploads"]
