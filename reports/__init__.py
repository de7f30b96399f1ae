"""Reports: findings as plain data made into PDF files by a process of its own.

One folder per report: `report.yaml` says what it is and which data it takes, `page.html` is the document.
"""
