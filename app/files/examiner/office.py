"""Word, Excel, PowerPoint and OpenDocument: archives of XML parts.

No program, nothing fetched from elsewhere.
"""

from __future__ import annotations

import posixpath
import re
import stat
import struct
import zlib
from collections.abc import Callable, Iterator
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO
from urllib.parse import unquote
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile, ZipInfo

from app.files.examiner import (
    MOST_PARTS,
    MOST_RATIO,
    MOST_UNPACKED,
    RATIO_MATTERS,
    Refused,
    foreign,
)
from app.files.examiner.images import dimensions_inside

PIECE = 1024**2
MOST_DIRECTORY = 2 * 1024**2
DEEPEST = 2  # a document may hold the sheet of a chart, which may hold another; no more

Handler = Callable[[str, dict[str, str]], None]


# --- The archive -----------------------------------------------------------------------------------------


class Archive:
    """A ZIP read strictly: nothing before, after or between its parts, no tricks in their names, no bomb."""

    def __init__(self, file: BinaryIO, spent: list[int]) -> None:
        self.file = file
        self.spent = spent  # bytes unpacked so far, shared with the archives inside
        file.seek(0, 2)
        self.size = file.tell()
        start, count, length = self._end()
        try:
            self.zip = ZipFile(file)
            infos = self.zip.infolist()
        except (BadZipFile, ValueError, UnicodeDecodeError, NotImplementedError, struct.error, OSError):
            raise Refused("damaged") from None
        if len(infos) != count or not infos:
            raise Refused("damaged")
        self.parts: dict[str, ZipInfo] = {}
        for info in infos:
            self._check_part(info)
            self.parts[info.filename] = info
        if len({name.lower() for name in self.parts}) != len(infos):
            raise Refused("complex", "two parts of one name")
        unpacked = sum(info.file_size for info in infos)
        if unpacked > MOST_UNPACKED or (unpacked > RATIO_MATTERS and unpacked > MOST_RATIO * self.size):
            raise Refused("bomb", f"{unpacked // PIECE} MB")
        self._check_places(infos, start)
        if start + length + 22 != self.size:
            raise Refused("hidden")

    def _end(self) -> tuple[int, int, int]:
        """Where the directory starts, how many parts it lists, how long it is: from the record at the very end."""
        if self.size < 22:
            raise Refused("damaged")
        self.file.seek(0)
        head = self.file.read(1200)
        if not head.startswith(b"PK\x03\x04"):
            raise Refused("mismatch", foreign(head))
        if b"%PDF-" in head:
            raise Refused("hidden", "PDF")
        self.file.seek(self.size - 22)
        record = self.file.read(22)
        if not record.startswith(b"PK\x05\x06"):
            self.file.seek(max(0, self.size - 70_000))
            raise Refused("hidden" if b"PK\x05\x06" in self.file.read() else "damaged")
        disk, first, here, count, length, start, comment = struct.unpack("<HHHHIIH", record[4:])
        if disk or first or here != count or comment or count == 0xFFFF or start == 0xFFFFFFFF:
            raise Refused("complex", "ZIP64")
        if count > MOST_PARTS or length > MOST_DIRECTORY:
            raise Refused("bomb", f"{count} parts")
        return start, count, length

    def _check_part(self, info: ZipInfo) -> None:
        name = info.orig_filename
        if (
            name != info.filename
            or len(name) > 250
            or name.startswith("/")
            or re.search(r"[\x00-\x1f\x7f\\:*?\"<>|]", name)
            or any(part in ("", "..", ".") for part in name.removesuffix("/").split("/"))
        ):
            raise Refused("complex", "part name")
        if info.flag_bits & 0x2041:
            raise Refused("encrypted")
        if info.compress_type not in (0, 8):
            raise Refused("complex", "packing")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise Refused("complex", "link")
        if info.compress_type == 0 and info.file_size != info.compress_size:
            raise Refused("damaged")

    def _check_places(self, infos: list[ZipInfo], directory: int) -> None:
        """Refuse parts that overlap (a bomb of small size), and room between them (where something can hide)."""
        expected = 0
        for info in sorted(infos, key=lambda one: one.header_offset):
            room = info.header_offset - expected
            if room < 0:
                raise Refused("bomb", "overlapping parts")
            if room > 0:
                raise Refused("hidden")
            self.file.seek(info.header_offset)
            header = self.file.read(30)
            if len(header) < 30 or not header.startswith(b"PK\x03\x04"):
                raise Refused("damaged")
            flags, packing = struct.unpack_from("<HH", header, 6)
            name, extra = struct.unpack_from("<HH", header, 26)
            told = () if flags & 8 else (info.CRC, info.compress_size, info.file_size)
            differ = told and struct.unpack_from("<III", header, 14) != told
            if differ or packing != info.compress_type or (flags ^ info.flag_bits) & 0x2041:
                raise Refused("complex", "two headers that differ")
            expected = info.header_offset + 30 + name + extra + info.compress_size
            if flags & 8:
                self.file.seek(expected)
                expected += self._description(self.file.read(24), info)
        if expected != directory:
            raise Refused("bomb" if expected > directory else "hidden")

    @staticmethod
    def _description(following: bytes, info: ZipInfo) -> int:
        """The length of the record that may follow a part: checksum and sizes, in one of four forms."""
        for signature in (b"PK\x07\x08", b""):
            for form in ("<III", "<IQQ"):
                record = signature + struct.pack(form, info.CRC, info.compress_size, info.file_size)
                if following.startswith(record):
                    return len(record)
        raise Refused("damaged")

    def pieces(self, info: ZipInfo) -> Iterator[bytes]:
        """The length of the record that may follow a part: checksum and sizes, in one of four forms."""
        try:
            with self.zip.open(info) as part:
                while piece := part.read(PIECE):
                    self.spent[0] += len(piece)
                    if self.spent[0] > MOST_UNPACKED:
                        raise Refused("bomb")
                    yield piece
        except (BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError):
            raise Refused("damaged") from None

    def read(self, name: str, most: int = 4 * PIECE) -> bytes:
        """A whole part. Raises Refused where it is missing or larger than `most`."""
        info = self.parts.get(name)
        if info is None:
            raise Refused("damaged")
        if info.file_size > most:
            raise Refused("bomb", name)
        return b"".join(self.pieces(info))


# --- XML -------------------------------------------------------------------------------------------------


def parse(
    pieces: Iterator[bytes], start: Handler | None = None, text: Callable[[str], None] | None = None
) -> None:
    """Read XML: well formed, UTF-8, and without a document type, which is where bombs and foreign files come in.

    `start` gets every element as `namespace name` with its attributes, each named likewise; `text` all text.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def refuse_type(*_ignored: Any) -> None:
        raise Refused("xml_type")

    def check_encoding(_version: str, encoding: str | None, _standalone: int) -> None:
        if encoding and encoding.lower() not in ("utf-8", "utf8", "us-ascii", "ascii"):
            raise Refused("complex", "XML encoding")

    parser.StartDoctypeDeclHandler = refuse_type
    parser.EntityDeclHandler = refuse_type
    parser.XmlDeclHandler = check_encoding
    if start:
        parser.StartElementHandler = start
    if text:
        parser.CharacterDataHandler = text
    first = True
    try:
        for piece in pieces:
            if first and piece[:2] in (b"\xff\xfe", b"\xfe\xff", b"\0<", b"<\0"):
                raise Refused("complex", "XML encoding")
            first = False
            parser.Parse(piece, False)
        parser.Parse(b"", True)
    except expat.ExpatError:
        raise Refused("damaged") from None


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):")
LINKS = ("http", "https", "mailto", "tel")


def check_link(target: str) -> None:
    """Refuse a link that a click would do more with than open a web page or write a letter."""
    address = unquote(target).strip()
    scheme = _SCHEME.match(address)
    if address.startswith(("\\\\", "//")) or (scheme and scheme[1].lower() not in LINKS):
        raise Refused("link", address)


_DYNAMIC = re.compile(r"(?i)(?:^|[\s\"{])DDE(?:AUTO)?(?:$|[\s\"])")


# --- Word, Excel, PowerPoint -----------------------------------------------------------------------------

_MAIN = {
    "docx": "wordprocessingml.document.main+xml",
    "xlsx": "spreadsheetml.sheet.main+xml",
    "pptx": "presentationml.presentation.main+xml",
}
_BAD_TYPES = {
    "macroenabled": "macros",
    "vbaproject": "macros",
    "vbadata": "macros",
    "macrosheet": "macros",
    "dialogsheet": "macros",
    "intlmacrosheet": "macros",
    "attachedtoolbars": "macros",
    "activex": "inside",
    "oleobject": "inside",
    "package.obfuscated": "inside",
    "x-msdownload": "inside",
    "javascript": "inside",
    "text/html": "inside",
    "message/rfc822": "inside",
    "webextension": "external",
    "connections+xml": "external",
    "querytable": "external",
    "externallink": "external",
}
_XML_PARTS = ("xml", "rels", "psmdcp", "svg", "sigs")
_PICTURE_PARTS = ("png", "jpg", "jpeg", "jpe", "jfif", "gif", "bmp", "dib", "tif", "tiff", "emf", "wmf", "wdp")
_FONT_PARTS = ("odttf", "fntdata")
_SHEET_PARTS = ("docx", "xlsx", "pptx")
_INTERNAL_ONLY = "hyperlink"
_BAD_RELATIONS = {
    "attachedtemplate": "external",
    "oleobject": "inside",
    "vbaproject": "macros",
    "control": "inside",
    "activexcontrolbinary": "inside",
    "afchunk": "inside",
    "subdocument": "external",
    "frame": "external",
    "externallink": "external",
    "webextension": "external",
    "webextensiontaskpanes": "external",
    "connections": "external",
    "video": "inside",
    "audio": "inside",
    "media": "inside",
}


def _extension(name: str) -> str:
    return posixpath.basename(name).rpartition(".")[2].lower() if "." in posixpath.basename(name) else ""


def examine_ooxml(file: BinaryIO, extension: str, spent: list[int] | None = None, depth: int = 0) -> None:
    """Examine a Word, Excel or PowerPoint file, and those inside it. Raises Refused."""
    archive = Archive(file, spent if spent is not None else [0])
    if "[Content_Types].xml" not in archive.parts:
        raise Refused("encrypted" if "EncryptedPackage" in archive.parts else "mismatch", "ZIP")
    for name in archive.parts:
        lower = name.lower()
        if re.search(r"vba(?:project|data)|macrosheets/|/activex/|\.bas$", lower):
            raise Refused("macros", name)
        if re.search(r"externallinks/|webextensions/|xl/connections\.xml|querytables/", lower):
            raise Refused("external", name)
    main = _content_types(archive, extension)
    targets: list[str] = []
    for name, info in archive.parts.items():
        if name.endswith("/"):
            if info.file_size:
                raise Refused("complex", name)
            continue
        if _extension(name) == "rels":
            targets += _relations(archive, info, is_root=name == "_rels/.rels")
        else:
            _part(archive, info, depth)
    if main not in targets:
        raise Refused("damaged")


def _content_types(archive: Archive, extension: str) -> str:
    """Check the types of all parts; the name of the main part."""
    found: list[tuple[str, str]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        content_type = attributes.get("ContentType", "").lower()
        for bad, code in _BAD_TYPES.items():
            if bad in content_type:
                raise Refused(code, attributes.get("PartName", attributes.get("Extension", "")))
        if _local(name) == "Override":
            found.append((content_type, attributes.get("PartName", "").lstrip("/")))

    parse(iter([archive.read("[Content_Types].xml")]), start)
    mains = [(kind, part) for kind, part in found if kind.endswith(".main+xml")]
    for kind, part in mains:
        if kind.endswith(_MAIN[extension]) and part in archive.parts and len(mains) == 1:
            return part
    raise Refused("mismatch", mains[0][0].rpartition(".openxmlformats-officedocument.")[2] if mains else "ZIP")


def _relations(archive: Archive, info: ZipInfo, *, is_root: bool) -> list[str]:
    """Check what a part points to; what the whole file says its main part is."""
    mains: list[str] = []

    def start(_name: str, attributes: dict[str, str]) -> None:
        kind = attributes.get("Type", "").rstrip("/").rpartition("/")[2].lower()
        target = attributes.get("Target", "")
        external = attributes.get("TargetMode", "").lower() == "external"
        if code := _BAD_RELATIONS.get(kind, ""):
            raise Refused(code, kind)
        if kind == _INTERNAL_ONLY:
            if external:
                check_link(target)
        elif external or _SCHEME.match(unquote(target)) or target.startswith(("\\\\", "//")):
            raise Refused("external", kind)
        if is_root and kind == "officedocument":
            mains.append(target.lstrip("/"))

    parse(archive.pieces(info), start)
    return mains


def _part(archive: Archive, info: ZipInfo, depth: int) -> None:
    """Check one part by what its ending says it is, and by what it is."""
    name, extension = info.filename, _extension(info.filename)
    if extension in _XML_PARTS:
        _xml_part(archive, info)
        return
    pieces = archive.pieces(info)
    head = next(pieces, b"")
    if extension in _SHEET_PARTS and "/embeddings/" in name.lower():
        if depth >= DEEPEST:
            raise Refused("bomb", name)
        with SpooledTemporaryFile(max_size=PIECE) as inner:
            inner.write(head)
            for piece in pieces:
                inner.write(piece)
            examine_ooxml(inner, extension, archive.spent, depth + 1)  # type: ignore[arg-type]
        return
    known = extension in _PICTURE_PARTS or extension in _FONT_PARTS or extension == "vml"
    # settings of a printer are the one thing without a form that ordinary sheets hold
    known = known or bool(re.search(r"(?:printersettings|customproperty)\d*\.bin$", name.lower()))
    if not known or (foreign(head) and extension != "vml"):
        raise Refused("inside", name)
    if extension == "vml" and re.search(rb"(?i)<!doctype|<!entity|<script|javascript:", head):
        raise Refused("inside", name)
    dimensions_inside(head[:64])
    for _piece in pieces:
        pass


def _xml_part(archive: Archive, info: ZipInfo) -> None:
    name = info.filename.lower()
    if name.endswith(".svg"):
        parse(archive.pieces(info), _no_scripts)
    elif name.startswith("word/"):
        _word_part(archive, info)
    elif name.startswith("customxml/"):
        parse(archive.pieces(info), _no_queries)
    else:
        parse(archive.pieces(info))


def _word_part(archive: Archive, info: ZipInfo) -> None:
    """A part of a Word document: no field that fetches or starts something."""
    fields: list[str] = []
    inside = [False]

    def start(name: str, attributes: dict[str, str]) -> None:
        local = _local(name)
        inside[0] = local == "instrText"
        if local == "fldSimple":
            fields.append(next((value for key, value in attributes.items() if _local(key) == "instr"), ""))
        elif local == "fldChar":
            fields.append(" ")

    def text(value: str) -> None:
        if inside[0]:
            fields.append(value)

    if info.file_size > PIECE:
        parse(archive.pieces(info), start, text)
    else:
        # most parts have no fields: reading those without a handler is five times as fast
        whole = b"".join(archive.pieces(info))
        has_fields = b"instrText" in whole or b"fldSimple" in whole
        parse(iter([whole]), *((start, text) if has_fields else (None, None)))
    if _DYNAMIC.search("".join(fields)) or re.search(r"(?i)\bINCLUDE(?:TEXT|PICTURE)\b", "".join(fields)):
        raise Refused("external", "field")


def _no_queries(name: str, _attributes: dict[str, str]) -> None:
    if _local(name) == "DataMashup":
        raise Refused("external", "query")


def _no_scripts(name: str, attributes: dict[str, str]) -> None:
    if _local(name).lower() in ("script", "foreignobject", "iframe"):
        raise Refused("script", "drawing")
    for key, value in attributes.items():
        if _local(key).lower().startswith("on") or value.strip().lower().startswith("javascript:"):
            raise Refused("script", "drawing")


# --- OpenDocument ----------------------------------------------------------------------------------------

_ODF = {
    "odt": b"application/vnd.oasis.opendocument.text",
    "ods": b"application/vnd.oasis.opendocument.spreadsheet",
    "odp": b"application/vnd.oasis.opendocument.presentation",
}
_ODF_PARTS = (*_PICTURE_PARTS, *_FONT_PARTS, "ttf", "otf", "svm", "rdf")
_MACRO_FOLDERS = ("basic/", "scripts/", "dialogs/", "database/")
_ODF_BAD = {
    "script": "macros",
    "event-listener": "macros",
    "applet": "inside",
    "plugin": "inside",
    "floating-frame": "external",
    "dde-source": "external",
    "dde-link": "external",
    "dde-connection-decl": "external",
    "database-source-sql": "external",
    "database-source-query": "external",
    "database-source-table": "external",
    "encryption-data": "encrypted",
}


def examine_odf(file: BinaryIO, extension: str) -> None:
    """Examine an OpenDocument file. Raises Refused."""
    archive = Archive(file, [0])
    first = min(archive.parts.values(), key=lambda info: info.header_offset)
    if first.filename != "mimetype" or first.compress_type:
        raise Refused("mismatch", "ZIP")
    kind = archive.read("mimetype", 200)
    if kind != _ODF[extension]:
        raise Refused("mismatch", kind.decode("ascii", "replace"))
    for needed in ("META-INF/manifest.xml", "content.xml"):
        if needed not in archive.parts:
            raise Refused("damaged")
    # it says which parts are encrypted, and those cannot be read: look there first
    parse(archive.pieces(archive.parts["META-INF/manifest.xml"]), _odf_element)
    for name, info in archive.parts.items():
        lower = name.lower()
        if lower.startswith(_MACRO_FOLDERS):
            raise Refused("macros", name)
        if name.endswith("/") or name == "mimetype":
            if name.endswith("/") and info.file_size:
                raise Refused("complex", name)
            continue
        _odf_part(archive, info)


_REMOTE = re.compile(r"(?i)\s*(?:https?:|ftp|smb|webdav|vnd\.|//|\\\\|file://[^/])")
_OUTSIDE = re.compile(r"\s*(?:[A-Za-z][A-Za-z0-9+.-]*:|\.\./|/)")


def _odf_element(name: str, attributes: dict[str, str]) -> None:
    local = _local(name)
    if code := _ODF_BAD.get(local, ""):
        raise Refused(code, local)
    for key, value in attributes.items():
        low = value.lstrip().lower()
        if low.startswith(("vnd.sun.star.script:", "macro:", "javascript:", "vnd.sun.star.expand:")):
            raise Refused("macros", local)
        if _local(key) == "href" and value:
            if local == "a":
                check_link(value)
            elif _REMOTE.match(value) or (local != "template" and _OUTSIDE.match(value)):
                raise Refused("external", local)


def _odf_part(archive: Archive, info: ZipInfo) -> None:
    name, extension = info.filename, _extension(info.filename)
    if extension in ("xml", "rdf"):
        if not info.file_size and "Configurations2/" in name:
            return  # LibreOffice keeps its menus' folder, with nothing in it
        parse(archive.pieces(info), _odf_element)
        return
    if extension == "svg":
        parse(archive.pieces(info), _no_scripts)
        return
    pieces = archive.pieces(info)
    head = next(pieces, b"")
    # pictures of objects and remembered layouts have no ending
    named = extension in _ODF_PARTS or re.match(
        r"(?:.*/)?(?:layout-cache|ObjectReplacements/[^/.]+|Thumbnails/thumbnail\.png)$", name
    )
    if not named or foreign(head):
        raise Refused("inside", name)
    dimensions_inside(head[:64])
    for _piece in pieces:
        pass
