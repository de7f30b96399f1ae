"""Making packs without a text editor: a workbook to fill in, and imports of forms and frameworks made elsewhere.

What they make is a `Draft`: the files of a pack, and where each part of them came from, so that the mistakes that
`catalogue.check` finds can be named by sheet and cell.
"""
