"""A report that was made from nothing but a page, with one of each thing that a page holds."""

from __future__ import annotations

from datetime import UTC, datetime

from reports.source import Source

PAGE = """<!DOCTYPE html><html lang="en"><head><title>Some &amp; any</title><link rel="stylesheet" href="report.css">
<style>body { color: red }</style></head><body>
<section class="cover"><div class="panel"><h1>Title</h1></div></section>
<nav class="contents"><h1 data-short="Contents">Contents</h1>
<ul><li><span class="no">1</span><a href="#one">One</a></li></ul></nav>
<section class="chapter"><h1 id="one" data-short="1 One"><span class="no">1</span> One</h1>
<p class="n">First, with <strong>weight</strong> and <em lang="cy">pwyslais</em>.</p>
<ul><li>A point<ul><li>below it</li></ul></li></ul><ol><li>Step</li></ol><ol><li>Another beginning</li></ol>
<table><caption data-source="rows"><span class="no">Table 1</span>  Counts <span class="of">of returns</span></caption>
<colgroup><col style="width:20mm"><col></colgroup>
<thead><tr><th scope="col">No.</th><th scope="col">What</th><th scope="col" class="r">Met</th></tr></thead>
<tbody><tr class="group"><th scope="rowgroup" colspan="3">A kind</th></tr>
<tr><td class="num">1.10</td><th scope="row">=SUM(A1)</th><td class="r">45%</td></tr>
<tr><td class="num">2</td><th scope="row" rowspan="2">Twice</th><td class="r">1,234</td></tr>
<tr><td class="num">3</td><td class="r">12.5%<br><span class="dim">few</span></td></tr></tbody></table>
<figure data-source="shares"><figcaption><span class="no">Figure 1</span>  Shares</figcaption>
<p class="legend"><span><svg width="10pt" height="9pt" viewBox="0 0 10 9"><title>Ring</title>
<rect width="9" height="9" fill="#000000"/></svg>own</span></p>
<svg width="300pt" height="40pt" viewBox="0 0 300 40"><title>NHS 4, police 7</title>
<rect x="0" y="0" width="120" height="20" fill="#0b3c49"/>
<text x="4" y="34" font-family="Source Sans 3" font-size="9">4</text></svg>
<p class="source">From returns.</p></figure></section></body></html>"""


def made_up(page: str = PAGE) -> Source:
    """A report that was made from nothing but a page."""
    return Source(
        report="joint-findings", title="Some & any", language="en", snapshot_id="ab" * 32, content_sha256="cd" * 32,
        as_at=datetime(2003, 5, 1, tzinfo=UTC), author="One; Two", program="Candour 0.1", data={"rows": []}, page=page,
    )  # fmt: skip
