"""How files are written: nothing in a stream may look like the end of its line."""

from __future__ import annotations

import zlib

import pydyf

from reports.write import stream_bytes


def test_data_that_end_in_a_carriage_return_keep_it() -> None:
    content = b"\x0c"  # the check sum, which is the last thing in compressed data, is one more
    assert zlib.compress(content, 9).endswith(b"\r")
    for compress, data in ((True, zlib.compress(content, 9)), (False, b"text\r")):
        made = stream_bytes({}, content if compress else data, compress)
        assert made.endswith(data + b"\r\nendstream")
        assert b"/Length %d" % len(data) in made
    assert stream_bytes({}, b"text", False).endswith(b"text\nendstream")


def test_other_streams_are_as_the_library_writes_them() -> None:
    stream = pydyf.Stream([b"one", b"two"], {"Type": "/X"}, compress=True)
    assert stream_bytes({"Type": "/X"}, b"one\ntwo", True) == stream.data
