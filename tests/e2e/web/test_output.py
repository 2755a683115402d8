"""Output in the page is the output: whoever looks, whenever, whatever breaks on the way."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Page, expect

from arborlink.testing.chaos_proxy import ChaosProxy
from tests.e2e.arbor import Arbor, wait_until
from tests.e2e.shared import one_for_all
from tests.e2e.web.browser import Browsers, Person, allowed
from tests.e2e.web.output import OutputOnPage, sha256
from tests.e2e.web.tasks import is_over, start

# Lines with colours and of both streams; the child keeps a copy of each stream of its own.
COLOURED = r"""
for i in $(seq 1 2000); do
  printf '\033[3%dmline %d\033[0m of the output ☃\n' $((i % 7 + 1)) $i
  [ $((i % 100)) = 0 ] && sleep 0.05
done | tee copy
"""
STEPS = "for i in $(seq 1 60); do echo step-$i; sleep 0.2; done"
# More than a quarter of a minute: both sides would take a silent peer for dead.
ASLEEP_SECONDS = 25
# Each is some tens of rows; a thousand are loaded above the place one jumps to.
PAGES = 100


arbor = one_for_all
service_workers = allowed


async def test_two_browsers_see_the_same_bytes(
    arbor: Arbor, browsers: Browsers, person: Person
) -> None:
    task = start(arbor, COLOURED, shell=True)
    early = OutputOnPage(await person.open(f"/tasks/{task}"))
    await expect(early.rows).to_contain_text("of the output")
    other = await browsers.owner(arbor)
    late = OutputOnPage(await other.open(f"/tasks/{task}"))
    await expect(early.page.get_by_text("Completed").first).to_be_visible()

    copy = (arbor.workspace / "copy").read_bytes()
    for output in (early, late):
        await output.drawn_up_to(len(copy))
        assert await output.offset("start") == 0
    expected = [f"line {number} of the output ☃" for number in range(1, 2001)]
    assert await early.lines() == expected
    assert await late.lines() == expected
    assert sha256(await early.download()) == sha256(copy)
    assert sha256(await late.download()) == sha256(copy)
    plain = await late.download("Plain text")
    assert plain.decode().splitlines() == expected


async def test_it_goes_on_at_the_very_byte_after_a_restart_of_the_hub(
    arbor: Arbor, person: Person
) -> None:
    task = start(arbor, STEPS, shell=True)
    output = OutputOnPage(await person.open(f"/tasks/{task}"))
    await expect(output.rows).to_contain_text("step-5")
    arbor.kill_hub()
    await expect(output.page.get_by_role("status").filter(has_text="Reconnecting")).to_be_visible()
    assert "step-5" in await output.text()
    arbor.start_hub()
    await expect(output.rows).to_contain_text("step-60")
    assert await output.lines() == [f"step-{number}" for number in range(1, 61)]
    await expect(output.page.get_by_text("Completed").first).to_be_visible()


async def test_it_goes_on_at_the_very_byte_after_cuts(arbor: Arbor, browsers: Browsers) -> None:
    async with ChaosProxy("127.0.0.1", arbor.port, seed=3) as proxy:
        person = await browsers.owner(arbor, through=proxy.port)
        task = start(arbor, STEPS, shell=True)
        output = OutputOnPage(await person.open(f"/tasks/{task}"))
        for number in (5, 15, 25):
            await expect(output.rows).to_contain_text(f"step-{number}")
            await expect(output.page.get_by_text("Live")).to_be_visible()
            assert proxy.cut() > 0
        await expect(output.rows).to_contain_text("step-60")
        assert await output.lines() == [f"step-{number}" for number in range(1, 61)]


async def test_a_tab_that_slept_has_everything(arbor: Arbor, person: Person) -> None:
    script = f"for i in $(seq 1 {ASLEEP_SECONDS * 5}); do echo step-$i; sleep 0.2; done"
    task = start(arbor, script, shell=True)
    output = OutputOnPage(await person.open(f"/tasks/{task}"))
    await expect(output.rows).to_contain_text("step-5")
    devtools = await person.context.new_cdp_session(output.page)
    await devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    done = await asyncio.to_thread(arbor.run, "logs", "-f", task)
    await devtools.send("Page.setWebLifecycleState", {"state": "active"})

    await expect(output.page.get_by_text("Completed").first).to_be_visible()
    await output.drawn_up_to(len(done.stdout))
    assert await output.text() == done.stdout.decode().rstrip("\n")


async def test_stderr_gaps_and_times_are_where_they_belong(arbor: Arbor, person: Person) -> None:
    script = "echo fine; sleep 0.2; echo wrong >&2; sleep 0.2; echo fine-again"
    task = start(arbor, script, shell=True)
    output = OutputOnPage(await person.open(f"/tasks/{task}"))
    await expect(output.rows).to_contain_text("fine-again")
    marks = output.box.locator("[data-stderr]")
    await expect(marks).to_have_count(1)
    wrong = await output.rows.get_by_text("wrong").bounding_box()
    mark = await marks.bounding_box()
    assert wrong is not None and mark is not None
    assert abs(wrong["y"] - mark["y"]) < wrong["height"]
    times = output.box.get_by_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    await expect(times).to_have_count(0)
    await output.page.keyboard.press("t")
    await expect(times.first).to_be_visible()


async def test_following_lets_go_and_comes_back_with_one_key(arbor: Arbor, person: Person) -> None:
    script = "seq 1 3000; i=0; until [ -e enough ]; do echo more-$((i += 1)); sleep 0.1; done"
    task = start(arbor, script, shell=True)
    output = OutputOnPage(await person.open(f"/tasks/{task}"))
    await expect(output.rows).to_contain_text("more-2")
    await output.box.hover()
    await output.page.mouse.wheel(0, -2_000)
    await output.follows(False)
    seen = await output.rows.inner_text()
    size = await output.offset("end")
    await expect(output.box).not_to_have_attribute("data-offset-end", str(size))
    assert await output.rows.inner_text() == seen
    await output.page.keyboard.press("f")
    await output.follows(True)
    await expect(output.rows).to_contain_text("more-3")
    await output.page.keyboard.press("g")
    await expect(output.rows.locator("> div").first).to_have_text("1")
    await output.follows(False)
    await output.page.keyboard.press("Shift+G")
    await output.follows(True)
    (arbor.workspace / "enough").touch()
    await expect(output.page.get_by_text("Completed").first).to_be_visible()


async def test_a_link_leads_to_a_byte(arbor: Arbor, person: Person) -> None:
    task = start(arbor, "seq -f 'line %06g' 1 100000", shell=True)
    arbor.run("logs", "-f", task)
    await person.context.grant_permissions(["clipboard-read", "clipboard-write"])
    offset = len("line 000001\n") * 54_320
    output = OutputOnPage(await person.open(f"/tasks/{task}?at={offset}"))
    first = output.rows.locator("> div").first
    await expect(first).to_have_text("line 054321")
    await output.page.keyboard.press("c")
    await expect(output.page.get_by_text(f"Link to byte {offset:,} copied")).to_be_visible()
    link = await output.page.evaluate("navigator.clipboard.readText()")
    assert link == f"{arbor.url}/tasks/{task}?at={offset}"


async def test_search_finds_what_is_not_in_the_browser(arbor: Arbor, person: Person) -> None:
    script = "seq 1 400000; echo a needle here; seq 1 400000; echo another needle; seq 1 400000"
    task = start(arbor, script, shell=True)
    arbor.run("logs", "-f", task)
    output = OutputOnPage(await person.open(f"/tasks/{task}"))
    await expect(output.rows).to_contain_text("400000")
    await output.page.keyboard.press("/")
    await output.page.keyboard.type("needle")
    await expect(output.page.get_by_text("of 2")).to_be_visible()
    seen = {await needle_in_view(output)}
    await output.page.keyboard.press("Enter")
    await expect(
        output.page.get_by_text("2 of 2").or_(output.page.get_by_text("1 of 2"))
    ).to_be_visible()
    await expect(output.rows).not_to_contain_text(seen.copy().pop())
    seen.add(await needle_in_view(output))
    assert seen == {"a needle here", "another needle"}
    # Enter has left the field, as in less: letters are keys again, and go through the hits.
    shown = await needle_in_view(output)
    await output.page.keyboard.press("n")
    await expect(output.rows).not_to_contain_text(shown)
    await output.page.keyboard.press("p")
    await expect(output.rows).to_contain_text(shown)
    await expect(output.page.get_by_label("Search the whole output")).to_have_value("needle")


# What the facts of a task said at any time, with each change of the page.
NOTE_FACTS = """
window.facts = new Set();
new MutationObserver(() => {
  const rate = [...document.querySelectorAll('dl[aria-label=Facts] > div')]
    .find((fact) => fact.querySelector('dt')?.textContent === 'Rate');
  if (rate) window.facts.add(rate.querySelector('dd').textContent);
}).observe(document, { subtree: true, childList: true, characterData: true });
"""


async def test_what_was_there_before_is_no_rate(arbor: Arbor, person: Person) -> None:
    task = start(arbor, "seq 1 100000; until [ -e go ]; do sleep 0.05; done", shell=True)
    end = len("".join(f"{number}\n" for number in range(1, 100_001)))
    await asyncio.to_thread(wait_until, lambda: output_size(arbor, task) == end, "all of it")
    await person.context.add_init_script(NOTE_FACTS)
    output = OutputOnPage(await person.open(f"/tasks/{task}"))
    await output.drawn_up_to(end)
    await expect(output.page.locator("dl[aria-label=Facts]")).to_contain_text("quiet")
    rates = await output.page.evaluate("[...window.facts]")
    assert [rate for rate in rates if rate.endswith("/s")] == []
    arbor.run("cancel", task)


def output_size(arbor: Arbor, task: str) -> int:
    """How much the hub has."""
    answer = arbor.api(f"/api/tasks/{task}")
    assert isinstance(answer, dict)
    return int(answer["outputSize"])


async def needle_in_view(output: OutputOnPage) -> str:
    """The line with the hit."""
    await expect(output.rows).to_contain_text("needle")
    rows = (await output.rows.inner_text()).split("\n")
    return next(row.strip() for row in rows if "needle" in row)


# More than a page may keep, and what writing it takes of the cores is a quarter of a GiB's.
@pytest.mark.parametrize("size", [1 << 28, pytest.param(1 << 30, marks=pytest.mark.soak)])
async def test_a_huge_output_is_opened_at_its_end_and_paged_back(
    arbor: Arbor, person: Person, size: int
) -> None:
    # Written as fast as it goes: 64 bytes a line, so that a page of it is soon scrolled.
    line, count = "x" * 63, size // 64
    task = start(arbor, f"yes {line} | head -n {count - 1}; echo the-very-end", shell=True)
    await asyncio.to_thread(wait_until, lambda: is_over(arbor, task), "its end")
    output = OutputOnPage(await person.open(f"/tasks/{task}"))
    await expect(output.rows).to_contain_text("the-very-end")
    assert await output.offset("start") > size - (4 << 20)

    output = OutputOnPage(await person.open(f"/tasks/{task}?at={size // 2}"))
    await expect(output.rows).to_contain_text(line)
    first = await output.offset("start")
    assert 0 < first < size // 2
    await output.box.click()
    for _ in range(PAGES):
        await output.page.keyboard.press("PageUp")
        if await output.offset("start") < first:
            break
    await expect(output.box).not_to_have_attribute("data-offset-start", str(first))
    assert await output.offset("start") < first
    await output.page.keyboard.press("g")
    await expect(output.box).to_have_attribute("data-offset-start", "0")
    await expect(output.rows).to_contain_text(line)
    assert await heap_bytes(output.page) < 200 << 20


async def heap_bytes(page: Page) -> float:
    """What the page keeps, once everything that is not needed is gone."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("HeapProfiler.enable")
    await devtools.send("HeapProfiler.collectGarbage")
    return float((await devtools.send("Runtime.getHeapUsage"))["usedSize"])
