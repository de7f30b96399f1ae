"""The joint findings as a file of figures, beside the report as a PDF."""

from __future__ import annotations

import re
from dataclasses import astuple

from flask import Response

from app.domain.findings import JointFindings
from app.domain.findings_table import lines
from app.domain.message import N_
from app.languages import translations
from app.web.sheets import csv_download

HEADING = (N_("Chapter"), N_("Agencies (empty: all)"), N_("Number"), N_("About"), N_("Figure"), N_("Value"))


def findings_csv(found: JointFindings, name: str) -> Response:
    """Every figure of joint findings in a line of its own, in their language. The caller may read them."""
    say = translations(found.language).gettext
    rows = (astuple(one) for one in lines(found, say))
    return csv_download(re.sub(r"[^A-Za-z0-9._-]+", "-", f"{name}.csv"), [say(one) for one in HEADING], rows)
