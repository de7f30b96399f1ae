"""Stock WeasyPrint in a process of its own: `python -m bench.reports.stock PAGE.html OUT.pdf`.

As the manual says: no patch, no pool, no parts, nothing attached. Prints pages, processor seconds and peak memory.
"""

import json
import re
import sys
import time
from pathlib import Path

from weasyprint import HTML

ASSETS = Path(__file__).resolve().parents[2] / "reports" / "assets"

if __name__ == "__main__":
    page, out = sys.argv[1:]
    document = HTML(string=Path(page).read_text(), base_url=f"{ASSETS.as_uri()}/").render(pdf_variant="pdf/ua-1")
    document.write_pdf(out, pdf_variant="pdf/ua-1")
    peak = int(re.findall(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[0])
    made = {"pages": len(document.pages), "processor": time.process_time(), "peak_memory_mb": peak // 1024}
    print(json.dumps(made))
