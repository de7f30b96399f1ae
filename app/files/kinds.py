"""Which files are taken as evidence: everything that is not listed here is refused.

Taken is what people write, calculate, present, scan and photograph in, where a file can be proved to hold no
program. Not taken, with what to do instead in the words of the refusal: the binary Office formats of before
2007 and RTF (any of them may hold a program, and they cannot be looked through reliably), files with macros,
archives, e-mails (they hold attachments, and the names of people), web pages and drawings that run scripts,
films and sound, and programs.
"""

from __future__ import annotations

from dataclasses import dataclass

OOXML = "application/vnd.openxmlformats-officedocument."
ODF = "application/vnd.oasis.opendocument."


@dataclass(frozen=True)
class Kind:
    """A kind of file that is taken. `family` names its examination; `magic` what libmagic may call it."""

    extension: str
    label: str
    media_type: str
    family: str
    magic: frozenset[str]


def _kind(extension: str, label: str, media_type: str, family: str, *magic: str) -> Kind:
    return Kind(extension, label, media_type, family, frozenset((media_type, *magic)))


_ZIP = ("application/zip", "application/octet-stream")
_TEXT = ("text/plain", "text/csv", "application/csv")

KINDS: dict[str, Kind] = {
    kind.extension: kind
    for kind in (
        _kind("pdf", "PDF", "application/pdf", "pdf"),
        _kind("docx", "Word", OOXML + "wordprocessingml.document", "ooxml", *_ZIP),
        _kind("xlsx", "Excel", OOXML + "spreadsheetml.sheet", "ooxml", *_ZIP),
        _kind("pptx", "PowerPoint", OOXML + "presentationml.presentation", "ooxml", *_ZIP),
        _kind("odt", "OpenDocument text", ODF + "text", "odf", *_ZIP),
        _kind("ods", "OpenDocument spreadsheet", ODF + "spreadsheet", "odf", *_ZIP),
        _kind("odp", "OpenDocument presentation", ODF + "presentation", "odf", *_ZIP),
        _kind("txt", "plain text", "text/plain", "text", *_TEXT),
        _kind("csv", "CSV", "text/csv", "text", *_TEXT),
        _kind("png", "PNG picture", "image/png", "png"),
        _kind("jpg", "JPEG picture", "image/jpeg", "jpeg"),
        _kind("jpeg", "JPEG picture", "image/jpeg", "jpeg"),
    )
}
ACCEPT = ",".join(f".{extension}" for extension in KINDS)

# refused like every other, but with words that say what to do
OLD_OFFICE = frozenset(("doc", "dot", "xls", "xlt", "xlsb", "ppt", "pps", "pot", "rtf", "wps", "pub"))
WITH_MACROS = frozenset(("docm", "dotm", "xlsm", "xltm", "xlam", "pptm", "potm", "ppsm", "ppam"))
ARCHIVES = frozenset(
    ("zip", "7z", "rar", "tar", "gz", "tgz", "bz2", "xz", "cab", "iso", "img", "vhd", "zst", "lz")
)
MAILS = frozenset(("eml", "msg", "mbox", "pst"))
PICTURES = frozenset(("heic", "heif", "gif", "bmp", "tif", "tiff", "webp", "avif", "svg", "svgz", "ico"))
# never inside a name, before the real ending either: “report.exe.pdf” shows as “report.exe” where endings are hidden
PROGRAMS = frozenset((
    "ade", "adp", "app", "application", "apk", "asp", "aspx", "bat", "chm", "class", "cmd", "com", "cpl",
    "dll", "dmg", "elf", "exe", "gadget", "hta", "htm", "html", "inf", "ins", "jar", "js", "jse", "jsp",
    "lnk", "mht", "mhtml", "msc", "msh", "msi", "msp", "mst", "php", "phtml", "pif", "pl", "ps1", "psd1",
    "psm1", "py", "pyw", "rb", "reg", "scf", "scr", "sct", "sh", "shtml", "swf", "sys", "url", "vb", "vbe",
    "vbs", "wasm", "ws", "wsc", "wsf", "wsh", "xbap", "xhtml", "xht", "xll", "xml", "xsl",
))  # fmt: skip
