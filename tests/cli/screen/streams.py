"""Output as programs of any kind might write it, for properties."""

from __future__ import annotations

import itertools
from typing import Final

from hypothesis import strategies as st

PRIVATE_MODES: Final = [
    *(1, 2, 4, 5, 6, 7, 8, 9, 12, 25, 40, 45, 47, 66, 67, 69, 80, 1000, 1001, 1002, 1003, 1004),
    *(1005, 1006, 1015, 1016, 1047, 1048, 1049, 1061, 2004, 2026, 2027, 2031, 2048, 9001, 31_337),
]
QUESTIONS: Final = [
    *(b"\x1b[c", b"\x1b[0c", b"\x1b[>c", b"\x1b[>0c", b"\x1b[=c", b"\x1b[5n", b"\x1b[6n"),
    *(b"\x1b[?6n", b"\x1b[?15n", b"\x1b[?996n", b"\x1b[20$p", b"\x1b[?2004$p", b"\x1b[>q"),
    *(b"\x1b[>0q", b"\x1b[x", b"\x1b[14t", b"\x1b[16t", b"\x1b[18t", b"\x1b[21t", b"\x1b[?u"),
    *(b"\x1b[?4m", b"\x1b[?1;1;0S", b"\x1b[1*y", b"\x1b[&u", b"\x1b[1$w", b"\x1bZ", b"\x05"),
    *(b"\x1bP$qm\x1b\\", b'\x1bP$q"p\x1b\\', b"\x1bP+q544e\x1b\\", b"\x1b]4;1;?\x07"),
    *(b"\x1b]10;?\x07", b"\x1b]11;?\x1b\\", b"\x1b]12;?\x07", b"\x1b]52;c;?\x07"),
    *(b"\x1b_Gi=1,a=q;AAAA\x1b\\", b"\x1b]21;foreground=?\x1b\\", b"\x1b]22;?__current__\x1b\\"),
    *(b"\x1b]1337;ReportCellSize\x07", b"\x1bPtmux;x\x1b\\", b"\x1b]60\x07"),
]
ACTS: Final = [
    *(b"\x07", b"\x1b]52;c;aGk=\x07", b"\x1b]9;done\x07", b"\x1b]777;notify;a;b\x07"),
    *(b"\x1b]99;;hi\x1b\\", b"\x1b[5i", b"\x1b[?5i", b"\x1b[2t", b"\x1b[8;5;5t", b"\x1b[22;0t"),
    *(b"\x1b]1337;SetMark\x07", b"\x1b]5113;ac=send\x1b\\"),
]

numbers = st.sampled_from(PRIVATE_MODES)
several = st.lists(numbers, min_size=1, max_size=3)


def _csi(prefix: bytes, final: bytes) -> st.SearchStrategy[bytes]:
    return several.map(
        lambda each: b"\x1b[%b%b%b" % (prefix, b";".join(b"%d" % n for n in each), final)
    )


settings = st.one_of(
    _csi(b"?", b"h"),
    _csi(b"?", b"l"),
    _csi(b"?", b"s"),
    _csi(b"?", b"r"),
    st.sampled_from([b"\x1b[%d%b" % (n, f) for n in (2, 4, 12, 20) for f in (b"h", b"l")]),
    st.integers(0, 31).map(lambda flags: b"\x1b[>%du" % flags),
    st.integers(0, 31).map(lambda flags: b"\x1b[=%d;1u" % flags),
    st.sampled_from([b"\x1b[<u", b"\x1b[<1u", b"\x1b[<3u", b"\x1b[<99u"]),
    st.sampled_from([b"\x1b[>4;2m", b"\x1b[>4;1m", b"\x1b[>4m", b"\x1b[>4;0m", b"\x1b[>4n"]),
    st.sampled_from([b"\x1b[%d q" % shape for shape in range(7)]),
    st.sampled_from([b"\x1b[3;9r", b"\x1b[r", b'\x1b[1"q', b'\x1b[0"q', b"\x1b[>2p", b"\x1b[>p"]),
    st.sampled_from([b"\x1b=", b"\x1b>", b"\x0e", b"\x0f", b"\x1b(0", b"\x1b(B", b"\x1b)0"]),
    st.sampled_from([b"\x1b]0;one\x07", b"\x1b]2;two\x1b\\", b"\x1b[22;0t", b"\x1b[23;0t"]),
    st.sampled_from([b"\x1b]4;7;#123456\x07", b"\x1b]104;7\x07", b"\x1b]10;red\x07"]),
    st.sampled_from([b"\x1b]11;#000\x1b\\", b"\x1b]111\x1b\\", b"\x1b]12;blue\x07", b"\x1b[1m"]),
    st.sampled_from([b"\x1b]8;;http://host/\x1b\\", b"\x1b]8;;\x1b\\"]),
)
text = st.sampled_from([b"x", b"word ", "ž日👩".encode(), b"\r\n", b"\x1b[5;3H", b"\x1b[2J", b"\t"])
drawing = st.lists(st.one_of(settings, text), max_size=40)
everything = st.lists(
    st.one_of(settings, text, st.sampled_from(QUESTIONS), st.sampled_from(ACTS)), max_size=40
)


@st.composite
def pieces(draw: st.DrawFn, parts: st.SearchStrategy[list[bytes]]) -> list[bytes]:
    """The same bytes, cut anywhere."""
    whole = b"".join(draw(parts))
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    edges = [0, *cuts, len(whole)]
    return [whole[a:b] for a, b in itertools.pairwise(edges)]
