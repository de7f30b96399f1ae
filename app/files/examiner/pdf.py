"""PDF: nothing that runs, opens by itself, is attached or encrypted.

The raw bytes are searched, and every object stream unpacked and searched, whether the cross-reference table
names it or not: readers rebuild a broken table, so what a table leaves out is not safe.

What this cannot see: a fault in one reader's decoder of fonts or pictures. That is what the scanner and
patched readers are for.
"""

from __future__ import annotations

import re
import zlib
from typing import BinaryIO

from app.files.examiner import Refused, no_second_format

PIECE = 64 * 1024
MOST_OBJECT_STREAMS = 64 * 1024**2  # bytes unpacked, all together
MOST_STREAMS = 300_000
MOST_PADDING = 4096  # bytes of nothing after the end

_GAP = rb"(?:[\0\t\n\f\r ]|%[^\r\n]*[\r\n])*"
_END = rb"(?=[\0\t\n\f\r /<>\[\](){}%]|$)"
# a name alone is enough for these; no ordinary document has them
_NAMES = {
    b"JavaScript": "script",
    b"Launch": "active",
    b"ImportData": "active",
    b"SubmitForm": "active",
    b"GoToE": "active",
    b"Rendition": "active",
    b"RichMedia": "active",
    b"EmbeddedFile": "attached",
    b"EmbeddedFiles": "attached",
    b"FileAttachment": "attached",
    b"Encrypt": "encrypted",
}
_BAD_NAME = re.compile(rb"/(" + b"|".join(_NAMES) + rb")" + _END)
# short names turn up in packed data by chance: only with a value of the right shape
_BAD_ENTRIES = (
    (
        re.compile(
            rb"/(EF|XFA|Collection)" + _GAP + rb"(?:<<|\[|\d{1,10}" + _GAP + rb"\d{1,5}" + _GAP + rb"R" + _END + rb")"
        ),
        {b"EF": "attached", b"XFA": "active", b"Collection": "attached"},
    ),
    (
        re.compile(rb"/(?:S|Subtype)" + _GAP + rb"/(Movie|Sound|Screen|3D)" + _END),
        dict.fromkeys((b"Movie", b"Sound", b"Screen", b"3D"), "active"),
    ),
    (
        re.compile(rb"(?i)/URI" + _GAP + rb"\(\s*(javascript|vbscript|data|file):"),
        dict.fromkeys((b"javascript", b"vbscript", b"data", b"file"), "link"),
    ),
)
_ESCAPED = re.compile(rb"/[^\0\t\n\f\r /<>\[\](){}%#]*#[0-9A-Fa-f]{2}[^\0\t\n\f\r /<>\[\](){}%]*")
_HEX = re.compile(rb"#([0-9A-Fa-f]{2})")
# nobody needs to write these names in disguise
_PLAIN = frozenset(
    (*_NAMES, b"EF", b"XFA", b"Collection", b"S", b"Subtype", b"Type", b"ObjStm", b"First", b"N", b"Filter",
    b"JS", b"FlateDecode", b"DecodeParms", b"Predictor", b"URI", b"Movie", b"Sound", b"Screen", b"3D",
    b"OpenAction", b"AA")
)  # fmt: skip
# inside brackets, in a string that begins with an address: no reader takes that for a name
_IN_ADDRESS = re.compile(rb"\((?:https?|HTTPS?)://[^\s()\\]*$")
_STREAM = re.compile(rb"stream[ \t]*(?:\r\n|\n|\r)")
_OBJECT_STREAM = re.compile(
    rb"/(?:ObjStm" + _END + rb"|First" + _GAP + rb"\d{1,10}" + _END + rb"(?!" + _GAP + rb"\d{1,5}" + _GAP + rb"R))"
)
_PREDICTOR = re.compile(rb"/Predictor" + _GAP + rb"(\d+)?")
_ELSEWHERE = re.compile(rb"/(?:DecodeParms|DP)" + _GAP + rb"\d")
_PAIRS = re.compile(rb"[\0\t\n\f\r ]*\d{1,10}[\0\t\n\f\r ]+\d{1,10}[\0\t\n\f\r /<\[(]")


def examine(file: BinaryIO) -> None:
    """Examine a PDF. Raises Refused."""
    data = file.read()
    if not re.match(rb"%PDF-[12]\.\d", data):
        raise Refused("mismatch")
    end = data.rfind(b"%%EOF")
    if end < 0:
        raise Refused("damaged")
    if len(data) - end > MOST_PADDING or data[end + 5 :].strip(b"\0\t\n\f\r "):
        raise Refused("hidden")
    no_second_format(data[8:1200], data[-66000:])
    _search(data)
    streams = _object_streams(data)
    for content in streams:
        _search(content)
    _check_document(data, streams)


def _search(data: bytes) -> None:
    """Refuse what names anything that runs, opens by itself, or is attached."""
    for disguised in _ESCAPED.finditer(data):
        name = _HEX.sub(lambda pair: bytes([int(pair[1], 16)]), disguised[0][1:])
        if name in _PLAIN:
            raise Refused(_NAMES.get(name, "complex"), name.decode())
    for found in _BAD_NAME.finditer(data):
        if not _IN_ADDRESS.search(data, max(0, found.start() - 400), found.start()):
            raise Refused(_NAMES[found[1]], found[1].decode())
    for pattern, codes in _BAD_ENTRIES:
        if entry := pattern.search(data):
            raise Refused(codes[entry[1].lower() if entry[1].lower() in codes else entry[1]], entry[1].decode())


def _object_streams(data: bytes) -> list[bytes]:
    """What every object stream holds, unpacked. They are known by their shape, whatever points to them."""
    found: list[bytes] = []
    total = 0
    read_at: set[int] = set()
    for number, keyword in enumerate(_STREAM.finditer(data)):
        if number >= MOST_STREAMS:
            raise Refused("complex")
        start = keyword.end()
        content = _unpacked(data, start, MOST_OBJECT_STREAMS - total)
        if content is not None:
            total += len(content)
            found.append(content)
            read_at.add(start)
        elif _PAIRS.match(data, start):
            read_at.add(start)  # not packed: it was searched with the rest
    for named in _OBJECT_STREAM.finditer(data):
        following = _STREAM.search(data, named.end(), named.end() + 4096)
        if following is None:
            continue  # by chance in packed data, or no stream at all
        begins = max(data.rfind(b"endobj", 0, named.start()), data.rfind(b"endstream", 0, named.start()), 0)
        described = data[begins : following.start()]
        twisted = _ELSEWHERE.search(described) or any(one[1] != b"1" for one in _PREDICTOR.finditer(described))
        if named[0] == b"/ObjStm" and (twisted or following.end() not in read_at):
            raise Refused("complex", "ObjStm")
        if b"/N" in described and following.end() not in read_at and b"endobj" not in described[6:]:
            raise Refused("complex", "ObjStm")
    return found


def _unpacked(data: bytes, start: int, most: int) -> bytes | None:
    """The content of a packed stream that looks like an object stream; None for any other.

    Raises Refused over `most`.
    """
    # two bytes tell whether it is packed this way at all
    if len(data) < start + 2 or (data[start] << 8 | data[start + 1]) % 31 or data[start] & 15 != 8:
        return None
    try:
        if not _PAIRS.match(zlib.decompressobj().decompress(data[start : start + 400], 100)):
            return None
        unpacker = zlib.decompressobj()
        content = bytearray()
        while not unpacker.eof and start < len(data):
            content += unpacker.decompress(data[start : start + PIECE], most + 1 - len(content))
            start += PIECE
            if len(content) > most or unpacker.unconsumed_tail:
                raise Refused("bomb")
    except zlib.error:
        return None
    return bytes(content)


def _check_document(data: bytes, streams: list[bytes]) -> None:
    """Refuse what is no document with pages, and what opens an address or another file by itself."""
    pointers = re.findall(rb"startxref[\0\t\n\f\r ]+(\d{1,10})[\0\t\n\f\r ]+%%EOF", data)
    if not pointers or not _TABLE.match(data, int(pointers[-1])) or not _ROOT.search(data):
        raise Refused("damaged")
    texts = [data, *streams]
    for needed in (b"Catalog", b"Pages", b"Page"):
        if not any(re.search(rb"/Type" + _GAP + rb"/" + needed + _END, text) for text in texts):
            raise Refused("damaged")
    index: dict[int, list[bytes]] | None = None
    for text in texts:
        for trigger in _TRIGGER.finditer(text):
            said = text[trigger.end() : trigger.end() + NEAR]
            reference = _REFERENCE.match(said)
            if not reference and trigger[1] == b"OpenAction" and not said.startswith(b"<<"):
                continue  # a place in the document
            index = index if index is not None else _objects(data, streams)
            starts = index.get(int(reference[1]), []) if reference else [said]
            for start in starts:
                named = [one for found in _REFERENCE.finditer(start) for one in index.get(int(found[1]), [])]
                for words in (start, *(named if trigger[1] == b"AA" else ())):
                    if action := _LEAVES.search(words):
                        raise Refused("active", action[1].decode())


NEAR = 500  # bytes in which an action says what it does
_TABLE = re.compile(rb"[\0\t\n\f\r ]{0,4}(?:xref\b|\d{1,10}[ \t\r\n]+\d{1,5}[ \t\r\n]+obj\b)")
_ROOT = re.compile(rb"/Root" + _GAP + rb"\d{1,10}" + _GAP + rb"\d{1,5}" + _GAP + rb"R" + _END)
_TRIGGER = re.compile(rb"/(OpenAction|AA)" + _GAP + rb"(?=<<|\[|\d)")
_REFERENCE = re.compile(rb"(\d{1,10})" + _GAP + rb"\d{1,5}" + _GAP + rb"R" + _END)
_LEAVES = re.compile(rb"/S" + _GAP + rb"/(URI|GoToR|Thread|GoTo3DView)" + _END)


def _objects(data: bytes, streams: list[bytes]) -> dict[int, list[bytes]]:
    """How each object begins, by its number: every one that the file has under that number."""
    found: dict[int, list[bytes]] = {}
    for one in re.finditer(rb"(\d{1,10})[\0\t\n\f\r ]+\d{1,5}[\0\t\n\f\r ]+obj", data):
        body = data[one.end() : one.end() + NEAR].partition(b"endobj")[0]
        found.setdefault(int(one[1]), []).append(body)
    for content in streams:
        header = re.match(rb"(?:[\0\t\n\f\r ]*\d{1,10}[\0\t\n\f\r ]+\d{1,10})+", content)
        numbers = [int(number) for number in header[0].replace(b"\0", b" ").split()] if header else []
        base = header.end() if header else 0
        for number, offset in zip(numbers[::2], numbers[1::2], strict=False):
            start = base + offset
            found.setdefault(number, []).append(content[start : start + NEAR])
    return found
