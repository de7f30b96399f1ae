"""How a PDF is written: each stream compressed once, small objects packed, the same bytes for the same objects."""

from __future__ import annotations

import zlib
from hashlib import md5
from typing import Any

import pydyf

HEADER = b"%PDF-1.7\n%\xf0\x9f\x96\xa4\n"
PER_STREAM = 200  # objects; readers unpack such a stream whole for one of them
# number, kind (1: by itself, 2: in a stream), offset or number of the stream, place in the stream
Entry = tuple[int, int, int, int]


def stream_bytes(extra: dict[str, Any], content: bytes, compress: bool) -> bytes:
    """A stream as it stands in a file."""
    head: Any = pydyf.Dictionary(extra)
    if compress:
        head["Filter"] = "/FlateDecode"
        content = zlib.compress(content, 9)
    head["Length"] = len(content)
    # after data that end in a carriage return a line feed alone would look as if it were one end of line with it
    end = b"\r\nendstream" if content.endswith(b"\r") else b"\nendstream"
    return bytes(head.data) + b"\nstream\n" + content + end


def write_objects(objects: list[Any], number: Any, out: Any) -> tuple[list[Entry], str]:
    """Write objects, those that can be in streams of many; where each stands, and a digest of them all.

    `number` gives the number of one more object.
    """
    index: list[Entry] = []
    packed: list[tuple[int, bytes]] = []
    digest = md5(usedforsecurity=False)

    def put(at: int, data: bytes) -> None:
        digest.update(data)
        index.append((at, 1, out.tell(), 0))
        out.write(b"%d 0 obj\n%s\nendobj\n" % (at, data))

    for one in objects:
        if one.free == "f":
            continue
        if one.compressible:
            packed.append((one.number, one.data))
            continue
        content = b"\n".join(pydyf._to_bytes(item) for item in one.stream)
        put(one.number, stream_bytes(one.extra, content, one.compress))
    for start in range(0, len(packed), PER_STREAM):
        some = packed[start : start + PER_STREAM]
        places, at = [], 0
        for one_number, data in some:
            places.append(b"%d %d" % (one_number, at))
            at += len(data) + 1
        head = b" ".join(places)
        extra = {"Type": "/ObjStm", "N": len(some), "First": len(head) + 1}
        stream = number()
        put(stream, stream_bytes(extra, b"\n".join([head, *(data for _number, data in some)]), True))
        index += [(one_number, 2, stream, place) for place, (one_number, _data) in enumerate(some)]
    return index, digest.hexdigest()


def write_end(pdf: Any, index: list[Entry], number: int, digest: str, out: Any) -> None:
    """Write where every object stands, as the object with this number, and the end of the file."""
    at = out.tell()
    index = [*index, (number, 1, at, 0)]
    size = max(entry[0] for entry in index) + 1
    table = bytearray(b"\x00\x00\x00\x00\x00\xff\xff" * size)  # what is not there is free
    for one, kind, a, b in index:
        table[one * 7 : one * 7 + 7] = bytes((kind,)) + a.to_bytes(4, "big") + b.to_bytes(2, "big")
    identifier = pydyf.Array([f"<{digest}>"] * 2)
    extra = {"Type": "/XRef", "Size": size, "W": pydyf.Array([1, 4, 2]), "Root": pdf.catalog.reference,
             "Info": pdf.info.reference, "ID": identifier}  # fmt: skip
    out.write(b"%d 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (number, stream_bytes(extra, bytes(table), True), at))


def write_pdf(pdf: Any, out: Any) -> None:
    """Write a whole PDF."""
    pdf.add_object(pdf.info)
    out.write(HEADER)
    numbers = iter(range(len(pdf.objects), 2**31))
    index, digest = write_objects(pdf.objects[1:], lambda: next(numbers), out)
    write_end(pdf, index, next(numbers), digest, out)
