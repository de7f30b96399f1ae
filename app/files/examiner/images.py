"""PNG and JPEG: structure and dimensions. No picture is ever decoded."""

from __future__ import annotations

import re
import struct
import zlib
from typing import BinaryIO

from app.files.examiner import LONGEST_SIDE, MOST_PIXELS, Refused, no_second_format

PNG = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_SCRIPT = re.compile(rb"(?i)<script|<\?php|<html|<svg|javascript:")
MOST_TEXT = 1024**2


def check_size(width: int, height: int) -> None:
    """Refuse a picture without an area, or so large that opening it would exhaust a computer."""
    if not width or not height:
        raise Refused("damaged")
    if max(width, height) > LONGEST_SIDE or width * height > MOST_PIXELS:
        raise Refused("dimensions", f"{width} x {height}")


def png(data: bytes) -> None:
    """Examine a PNG: its chunks with their checksums, its dimensions, and that its pixels unpack to just that size."""
    if not data.startswith(PNG):
        raise Refused("mismatch")
    no_second_format(data[8:1200], data[-66000:])
    place, seen, pixels = 8, set[bytes](), None
    while place < len(data):
        if b"IEND" in seen:
            raise Refused("hidden")
        if place + 12 > len(data):
            raise Refused("damaged")
        length, name = struct.unpack_from(">I4s", data, place)
        end = place + 12 + length
        if end > len(data) or not name.isalpha():
            raise Refused("damaged")
        body = memoryview(data)[place + 8 : end - 4]
        if zlib.crc32(body, zlib.crc32(name)) != struct.unpack_from(">I", data, end - 4)[0]:
            raise Refused("damaged")
        if not seen and name != b"IHDR":
            raise Refused("damaged")
        if name == b"IHDR":
            if length != 13 or seen:
                raise Refused("damaged")
            pixels = _Pixels(bytes(body))
        elif name == b"IDAT" and pixels:
            pixels.feed(body)
        elif name in (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP"):
            _check_text(name, bytes(body))
        elif name not in (b"PLTE", b"IEND") and name[:1].isupper():
            raise Refused("damaged")  # a critical chunk that no standard knows
        seen.add(name)
        place = end
    if b"IEND" not in seen or pixels is None or not pixels.complete:
        raise Refused("damaged")


class _Pixels:
    """Counts what the pixel data of a PNG unpack to, piece by piece."""

    def __init__(self, header: bytes) -> None:
        width, height, depth, colour, packing, filtering, interlace = struct.unpack(">IIBBBBB", header)
        check_size(width, height)
        if depth not in _DEPTHS.get(colour, ()) or packing or filtering or interlace > 1:
            raise Refused("damaged")
        bits = depth * _CHANNELS[colour]

        def size(columns: int, rows: int) -> int:
            return rows * (1 + (columns * bits + 7) // 8) if columns and rows else 0

        if interlace:
            self.missing = sum(
                size((width - x + dx - 1) // dx, (height - y + dy - 1) // dy) for x, y, dx, dy in _ADAM7
            )
        else:
            self.missing = size(width, height)
        self.unpacker = zlib.decompressobj()

    def feed(self, packed: memoryview) -> None:
        waiting: bytes | memoryview = packed
        try:
            while waiting and not self.unpacker.eof:
                self.missing -= len(self.unpacker.decompress(waiting, 1024**2))
                waiting = self.unpacker.unconsumed_tail
                if self.missing < 0:
                    raise Refused("bomb")
        except zlib.error:
            raise Refused("damaged") from None
        if self.unpacker.unused_data or (self.unpacker.eof and waiting):
            raise Refused("hidden")

    @property
    def complete(self) -> bool:
        """Whether every pixel is there. What a buffer still held is counted first."""
        while not self.unpacker.eof and self.missing >= 0:
            more = self.unpacker.decompress(self.unpacker.unconsumed_tail, 1024**2)
            if not more:
                break
            self.missing -= len(more)
        return self.unpacker.eof and self.missing == 0


def _check_text(name: bytes, body: bytes) -> None:
    """Words and profiles inside a picture: not a bomb, not a script."""
    text = body
    if name in (b"zTXt", b"iCCP", b"iTXt"):
        keyword, _nul, rest = body.partition(b"\0")
        packed = rest[1:] if name != b"iTXt" else b""
        if name == b"iTXt" and rest[:1] == b"\1":
            packed = rest[2:].split(b"\0", 2)[-1]
        if packed:
            unpacker = zlib.decompressobj()
            try:
                text = unpacker.decompress(packed, MOST_TEXT)
            except zlib.error:
                raise Refused("damaged") from None
            if unpacker.unconsumed_tail:
                raise Refused("bomb")
        text = keyword + text + body
    if _SCRIPT.search(text):
        raise Refused("script")


def jpeg(data: bytes) -> None:
    """Examine a JPEG: its segments, its dimensions, its end.

    A phone's second picture may follow; nothing else may.
    """
    if not data.startswith(b"\xff\xd8\xff"):
        raise Refused("mismatch")
    no_second_format(data[:1200], data[-66000:])
    place = 0
    for _picture in range(16):
        place = _one_jpeg(data, place)
        # cameras pad with zeros, and put a preview after the picture
        while data[place : place + 1] == b"\0":
            place += 1
        if place == len(data):
            return
        if data[place : place + 3] != b"\xff\xd8\xff":
            raise Refused("hidden")
    raise Refused("complex")


def _one_jpeg(data: bytes, place: int) -> int:
    """Examine the picture that begins at `place`; where the next byte after it is."""
    place += 2
    framed = scanned = False
    while True:
        if data[place : place + 1] != b"\xff":
            raise Refused("damaged")
        while data[place + 1 : place + 2] == b"\xff":
            place += 1
        marker = data[place + 1 : place + 2]
        if not marker:
            raise Refused("damaged")
        code = marker[0]
        if code == 0xD9:
            if not (framed and scanned):
                raise Refused("damaged")
            return place + 2
        if code in (0x00, 0x01, 0xD8) or 0xD0 <= code <= 0xD7:
            raise Refused("damaged")
        if place + 4 > len(data):
            raise Refused("damaged")
        length = struct.unpack_from(">H", data, place + 2)[0]
        body = data[place + 4 : place + 2 + length]
        if length < 2 or len(body) != length - 2:
            raise Refused("damaged")
        place += 2 + length
        if 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC):
            if framed or len(body) < 6:
                raise Refused("damaged")
            height, width = struct.unpack_from(">HH", body, 1)
            check_size(width, height)
            framed = True
        elif (code == 0xFE or 0xE0 <= code <= 0xEF) and _SCRIPT.search(body):
            raise Refused("script")
        elif code == 0xDA:
            scanned = True
            place = _after_scan(data, place)


_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")


def _after_scan(data: bytes, place: int) -> int:
    """Where the marker after a scan's data begins. Zero bytes and restart markers belong to the data."""
    found = _MARKER.search(data, place)
    if found is None:
        raise Refused("damaged")
    return found.start()


def dimensions_inside(head: bytes) -> None:
    """Refuse a picture inside a document by its dimensions alone, where its first bytes tell them."""
    if head.startswith(PNG) and head[12:16] == b"IHDR" and len(head) >= 24:
        check_size(*struct.unpack_from(">II", head, 16))


def examine(file: BinaryIO, family: str) -> None:
    """Examine a picture. Raises Refused."""
    data = file.read()
    (png if family == "png" else jpeg)(data)
