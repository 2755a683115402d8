"""Random output of programs: text, and every sequence that the model knows, whole and broken."""

from __future__ import annotations

from hypothesis import strategies as st

numbers = st.one_of(
    st.just(""), st.integers(0, 12).map(str), st.sampled_from(["80", "999", "65536"])
)
TEXTS = ["a", "hello ", "x" * 30, "é", "日本", "e\u0301", "👍", "\u200d", "\u0301", "─", "q" * 3]
CONTROLS = ["\b", "\t", "\n", "\v", "\f", "\r", "\x0e", "\x0f", "\x00", "\x07", "\r\n"]
ESCAPES = ["7", "8", "D", "E", "H", "M", "=", ">", "n", "o", "(0", "(B", ")0", ")B", "(A", "#8"]
PRIVATE = [1, 5, 6, 7, 9, 12, 25, 45, 47, 66, 1000, 1002, 1003, 1004, 1005, 1006, 1007, 1015]
PRIVATE += [1036, 1047, 1048, 1049, 2004, 2026, 2027, 2031]
KEYBOARD = ["=1u", "=5;2u", "=1;3u", ">3u", ">u", "<u", "<2u", ">4;2m", ">4m", ">4n"]
STRINGS = [
    "]0;title\x07",
    "]2;other\x1b\\",
    "P+q544e\x1b\\",
    "_Gabc\x1b\\",
    "^x\x1b\\",
    "]8;;u\x07",
]
QUESTIONS = ["[6n", "[c", "[>c", "[>q", "]11;?\x07", "[?u", "[?2026$p", "[18t", "Z", "[5n"]
STYLES = ["", "0", "1", "2", "3", "4", "4:3", "5", "7", "8", "9", "21", "22", "24", "27", "53"]
STYLES += ["31", "42", "94", "105", "38;5;200", "48;5;17", "38;2;1;2;3", "48:2::9:8:7", "58:5:3"]
STYLES += ["39", "49", "59", "1;31;48;5;0", "38:5", "38;9;1"]


def joined(parts: list[str]) -> str:
    return "".join(parts)


commands = st.builds(
    lambda first, second, final: f"\x1b[{first}{';' + second if second else ''}{final}",
    numbers,
    numbers,
    st.sampled_from(list("@ABCDEFGHIJKLMPSTXZ`abdefrsu")),
)
modes = st.builds(
    lambda mode, final: f"\x1b[?{mode}{final}", st.sampled_from(PRIVATE), st.sampled_from("hl")
)
pieces = st.one_of(
    st.sampled_from(TEXTS),
    st.sampled_from(TEXTS),
    st.sampled_from(CONTROLS),
    commands,
    commands,
    modes,
    st.sampled_from(STYLES).map(lambda style: f"\x1b[{style}m"),
    st.sampled_from(["\x1b[4h", "\x1b[4l", "\x1b[20h", "\x1b[20l", "\x1b[g", "\x1b[3g", "\x1b[!p"]),
    st.integers(0, 7).map(lambda style: f"\x1b[{style} q"),
    st.sampled_from([f"\x1b{each}" for each in ESCAPES]),
    st.sampled_from([f"\x1b[{each}" for each in KEYBOARD]),
    st.sampled_from([f"\x1b{each}" for each in STRINGS + QUESTIONS]),
)
broken = st.one_of(
    st.sampled_from(["\x1b", "\x1b[", "\x1b[1", "\x1b]0;", "\x1bP", "\x18", "\x1b[1\n2H", "\x1bc"]),
    st.sampled_from(["\x9b2J", "\x9d2;t\x9c", "\x1b[1<2m", "\x1b[?1;2", "\x7f", "\x1b[3\x1b[m"]),
)
outputs = st.lists(pieces, max_size=60).map(joined)
hostile = st.lists(st.one_of(pieces, broken, st.text(max_size=5)), max_size=60).map(joined)
