"""Terminals in the page: what is typed arrives, what arrives is shown, leaving ends nothing."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import expect

from tests.e2e.arbor import Arbor, wait_until
from tests.e2e.shared import end_all, one_for_all
from tests.e2e.web.browser import PHONE, Browsers, Person
from tests.e2e.web.tasks import finished, start, start_shell
from tests.e2e.web.terminal import TerminalOnPage, open_shell, open_terminal_of
from tests.e2e.web.wire import Received, Sent

KIB: Final = 1024
# Sent of a flood once the prompt behind it is stored, at most: what was under way, and its end.
AFTER_THE_FLOOD_BYTES: Final = 512 * KIB
# What a terminal that echoes nothing else writes: lines, the last perhaps cut by the interrupt.
FLOOD: Final = re.compile(rb"(?:flood\r\n)+[flod\r\n]{0,6}\^C")
# Asks for what {modes} names, then says byte for byte what arrives.
RAW: Final = """
import os, sys, tty
tty.setraw(0)
os.write(1, {modes!r}.encode() + b'raw>\\r\\n')
got = b''
while not got.endswith({until!r}):
    got += os.read(0, 4096)
open({file!r}, 'wb').write(got)
"""
# Cursor position, device attributes, status, a colour, a setting, the window's size.
QUESTIONS: Final = r"\033[6n\033[c\033[5n\033]11;?\007\033P$q m\033\\\033[18t"
# Shows what the terminal says of its cursor.
ASK: Final = "printf '\\033[6n'; read -rsd R at; echo; echo at ${at#*[}"
TERMINAL: Final = {"cols": 80, "rows": 24}


arbor = one_for_all


@pytest.fixture(autouse=True)
def tidy(arbor: Arbor) -> Iterator[None]:
    """Nothing is left running."""
    yield
    end_all(arbor)


async def written(file: Path) -> bytes:
    """What is in a file, once there is anything."""
    await asyncio.to_thread(wait_until, lambda: file.exists() and file.stat().st_size > 0, "it")
    return await asyncio.to_thread(file.read_bytes)


async def raw(person: Person, arbor: Arbor, modes: str, until: bytes, file: str) -> TerminalOnPage:
    """A program that takes keys as they come, up to `until`, on the page of its task."""
    script = RAW.format(modes=modes, until=until, file=file)
    task = start(arbor, sys.executable, "-c", script, tty=TERMINAL)
    terminal = TerminalOnPage(await person.open(f"/tasks/{task}"))
    await expect(terminal.rows).to_contain_text("raw>")
    await terminal.attached()
    return terminal


async def test_one_is_opened_typed_into_and_ended(arbor: Arbor, person: Person) -> None:
    page = await person.open(f"/workspaces/{arbor.workspace_id}")
    terminal = await open_terminal_of(page)
    await terminal.enter("echo typed-$((40 + 2))")
    await expect(terminal.rows).to_contain_text("typed-42")

    await page.keyboard.press("Control+d")
    tab = page.get_by_role("tab", name="Terminal 1")
    await expect(tab).to_contain_text("Completed")
    await page.get_by_role("button", name="Close Terminal 1").click()
    await expect(tab).to_have_count(0)


async def test_ctrl_c_ends_a_flood_at_once(arbor: Arbor, person: Person) -> None:
    """The page passes over what waits in front of the prompt; the log keeps all of it."""
    received = Received(person.context)
    task = start_shell(arbor)
    terminal = await open_shell(person, arbor, task)
    await terminal.enter("yes flood")
    await expect(terminal.rows).to_contain_text("flood" * 20)
    size = await terminal.offset("end")
    await terminal.page.wait_for_function(
        "([box, size]) => document.querySelector(box).dataset.offsetEnd - size > 1 << 21",
        arg=["[data-output]", size],
    )
    await terminal.page.keyboard.press("Control+c")
    await terminal.at_prompt()
    stored = (await asyncio.to_thread(arbor.run, "logs", task)).stdout
    late = [each for each in received.outputs if (each.end or each.to) >= len(stored)]
    assert 0 < sum(each.to - each.offset for each in late) <= AFTER_THE_FLOOD_BYTES
    assert FLOOD.match(stored, stored.index(b"\nflood") + 1)
    assert await terminal.run("echo calm") == ["calm"]


async def test_a_paste_arrives_as_one_and_cannot_end_itself(arbor: Arbor, person: Person) -> None:
    await person.context.grant_permissions(["clipboard-read", "clipboard-write"])
    end = b"\x1b[201~"
    terminal = await raw(person, arbor, "\x1b[?2004h", end, "pasted")
    text = "first line\nsecond 'line'\tand a tab\n☃ and 🌳 \x1b[201~\x03rm -rf /\nend"
    await terminal.page.evaluate("text => navigator.clipboard.writeText(text)", text)
    await terminal.page.keyboard.press("Control+Shift+v")

    # Escapes are left out, so that the text cannot end the brackets; Enter is a carriage return.
    plain = text.replace("\x1b", "").replace("\n", "\r").encode()
    assert await written(arbor.workspace / "pasted") == b"\x1b[200~" + plain + end


async def test_it_takes_the_size_there_is_room_for(arbor: Arbor, person: Person) -> None:
    terminal = await open_shell(person, arbor, start_shell(arbor))
    sizes: list[tuple[int, int]] = []
    for width, height in ((1280, 720), (900, 500)):
        await terminal.page.set_viewport_size({"width": width, "height": height})
        # Also the program hears of it, some time after the page: it is asked again until it has.
        while True:
            (size,) = await terminal.run("stty size")
            rows, cols = map(int, size.split())
            is_new = (rows, cols) not in sizes
            if is_new and rows == await terminal.rows.locator("> div").count():
                break
        sizes.append((rows, cols))
    assert sizes[1][0] < sizes[0][0] and sizes[1][1] < sizes[0][1]


async def test_characters_of_all_kinds_go_both_ways(arbor: Arbor, person: Person) -> None:
    terminal = await open_shell(person, arbor, start_shell(arbor))
    text = "é 漢字 🌳👩‍💻 e\u0301 ñ"
    # What is typed while the shell still has the terminal does not end a file: not before cat does.
    await terminal.enter("echo 'for cat'; cat > typed")
    await expect(terminal.rows).to_contain_text("typedfor cat")
    await terminal.page.keyboard.insert_text(text)
    await terminal.page.keyboard.press("Enter")
    await terminal.page.keyboard.press("Control+d")
    await terminal.at_prompt()
    assert (await written(arbor.workspace / "typed")).decode() == text + "\n"
    assert await terminal.run("cat typed") == [text]


async def test_the_mouse_is_the_programs_when_it_asks(arbor: Arbor, person: Person) -> None:
    terminal = await raw(person, arbor, "\x1b[?1000h\x1b[?1006h", b"m", "mouse")
    row = await terminal.rows.locator("> div").nth(4).bounding_box()
    assert row is not None
    await terminal.page.mouse.click(row["x"] + 2, row["y"] + row["height"] / 2)
    assert await written(arbor.workspace / "mouse") == b"\x1b[<0;1;5M\x1b[<0;1;5m"


@pytest.mark.skipif(shutil.which("vim") is None, reason="vim is not installed")
async def test_an_editor_works(arbor: Arbor, person: Person) -> None:
    terminal = await open_shell(person, arbor, start_shell(arbor))
    await terminal.enter("vim -u NONE -i NONE edited")
    await expect(terminal.rows).to_contain_text("[New")
    keyboard = terminal.page.keyboard
    await keyboard.type("iabove")
    await keyboard.press("Enter")
    await keyboard.type("below")
    await keyboard.press("Escape")
    await keyboard.press("ArrowUp")
    await keyboard.type("A and right")
    await keyboard.press("Escape")
    await terminal.enter(":wq")
    await terminal.at_prompt()
    assert (await written(arbor.workspace / "edited")).decode() == "above and right\nbelow\n"
    # The editor had a screen of its own: what was there before is there again.
    assert "above" not in await terminal.text()


async def test_leaving_ends_nothing(arbor: Arbor, person: Person) -> None:
    first, second = start_shell(arbor), start_shell(arbor)
    terminal = await open_shell(person, arbor, first)
    await terminal.run("for i in $(seq 1 300); do echo first-$i; done; place=one")
    before = await terminal.text()
    page = terminal.page
    tabs = page.get_by_role("tab", name="shell")
    mine = page.locator(f"[data-task={second}]")
    await mine.click()
    await expect(mine).to_have_attribute("aria-selected", "true")
    await expect(terminal.rows).not_to_contain_text("first-300")
    await terminal.attached()
    await terminal.at_prompt()
    assert await terminal.run("echo second") == ["second"]

    await page.get_by_role("link", name="Overview").click()
    await page.go_back()
    await page.locator(f"[data-task={first}]").click()
    await expect(terminal.rows).to_contain_text("first-300")
    await terminal.at_prompt()
    assert await terminal.text() == before
    await page.reload()
    await expect(terminal.rows).to_contain_text("first-300")
    await terminal.attached()
    await terminal.at_prompt()
    assert await terminal.text() == before
    assert await terminal.run("echo still-$place") == ["still-one"]
    assert await tabs.count() >= 2


async def test_who_only_looks_on_sees_the_same_and_types_nothing(
    arbor: Arbor, browsers: Browsers, person: Person
) -> None:
    task = start_shell(arbor)
    terminal = await open_shell(person, arbor, task)
    other = await browsers.owner(arbor)
    sent = Sent(other.context)
    watching = TerminalOnPage(await other.open(f"/tasks/{task}"))
    await watching.at_prompt()
    await watching.page.get_by_role("heading", level=1).click()
    await terminal.run(ASK)
    await terminal.run("for i in $(seq 1 9); do echo seen-$i; done")
    await expect(watching.rows).to_contain_text("seen-9")
    await watching.at_prompt()
    assert await watching.lines() == await terminal.lines()

    await watching.page.keyboard.type("zzz")
    await terminal.enter("exit 3")
    # Not by the words "exit 3", which are on the screen as soon as they are typed.
    await expect(watching.page.locator("#page [data-status=failed]").first).to_be_visible()
    await watching.box.click()
    await watching.page.keyboard.type("echo no")
    await watching.page.keyboard.press("Enter")
    assert "zzz" not in await watching.text()
    assert (await sent.after_leaving(watching.page)).typed() == b""


async def test_questions_are_answered_by_who_types_and_never_on_replay(
    arbor: Arbor, person: Person
) -> None:
    sent = Sent(person.context)
    terminal = await open_shell(person, arbor, start_shell(arbor))
    assert (await terminal.run(ASK))[-1].startswith("at ")
    assert b"\x1b[" in sent.typed()
    await terminal.enter("exit")
    await expect(terminal.page.get_by_role("tab", name="Completed")).to_be_visible()
    await terminal.page.close()

    answered = len(sent.typed())
    task = await asyncio.to_thread(finished, arbor, "printf", QUESTIONS + "end", tty=TERMINAL)
    for path in (f"/tasks/{task}", f"/tasks/{task}?at=0"):
        replayed = TerminalOnPage(await person.open(path))
        await expect(replayed.rows).to_contain_text("end")
        await replayed.box.click()
        await replayed.page.keyboard.type("x")
        await replayed.page.get_by_role("link", name="Overview").click()
        await expect(replayed.page.get_by_role("heading", name="Overview")).to_be_visible()
    assert len(sent.typed()) == answered


async def test_a_phone_has_the_keys_that_its_keyboard_lacks(
    arbor: Arbor, browsers: Browsers
) -> None:
    person = await browsers.owner(arbor, **PHONE)
    terminal = await raw(person, arbor, "", b"!", "keys")
    page = terminal.page
    keys = page.get_by_role("toolbar", name="Keys")
    for name in ("Escape", "Tab", "Up", "Down", "Left", "Right"):
        key = keys.get_by_role("button", name=name, exact=True)
        box = await key.bounding_box()
        assert box is not None and box["height"] >= 44 and box["width"] >= 32
        await key.tap()
    ctrl = keys.get_by_role("button", name="Ctrl")
    await ctrl.tap()
    await expect(ctrl).to_have_attribute("aria-pressed", "true")
    await page.keyboard.insert_text("d")
    await expect(ctrl).to_have_attribute("aria-pressed", "false")
    await page.keyboard.insert_text("d!")
    expected = b"\x1b\t\x1b[A\x1b[B\x1b[D\x1b[C\x04d!"
    assert await written(arbor.workspace / "keys") == expected
    assert person.complaints == []
