"""T10, T11: the page in Chromium: echo of a key, a flood, opening the end of a long output."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright
from tests.e2e.web.browser import CHROMIUM, FLAGS, sign_in_link
from tests.e2e.web.output import ROWS

from benchmarks.bench import Bench, Faulty, Scenario
from benchmarks.figures import Measure, Round, Row, Target, spread

KEYS: Final = 200
FLOODED_KEYS: Final = 60
# About 100 MB of lines, and a last one that can be looked for.
FLOOD: Final = "seq 1 12500000; echo the-end-of-it"
END: Final = "the-end-of-it"
OPENINGS: Final = 5
# Two megabytes a second, all of which a browser can show. What it cannot, it passes over.
STEADY_FLOOD: Final = "while :; do head -c 20000 /dev/zero | tr '\\0' .; sleep 0.01; done & cat"
FLOOD_MILLISECONDS: Final = 180_000
MIB: Final = 1024 * 1024
SCRIPT: Final = Path(__file__).with_suffix(".js")


def run(bench: Bench) -> Round:
    """One round."""
    if CHROMIUM is None:
        raise Faulty("Debian's chromium-headless-shell (or chromium) is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            return {
                "load": _load(bench, browser),
                **_echo(bench, browser),
                **_flood(bench, browser),
            }
        finally:
            browser.close()


@contextmanager
def signed_in(bench: Bench, browser: Browser) -> Iterator[Page]:
    """A page of the owner's, with `page.js` in it."""
    context = browser.new_context(viewport={"width": 1360, "height": 860})
    page = context.new_page()
    page.add_init_script(path=SCRIPT)
    page.goto(sign_in_link(bench.arbor))
    page.get_by_role("navigation").first.wait_for()
    try:
        yield page
    finally:
        context.close()


def _load(bench: Bench, browser: Browser) -> Measure:
    with signed_in(bench, browser) as page:
        client = page.context.new_cdp_session(page)
        client.send("Network.enable")
        client.send("Network.setCacheDisabled", {"cacheDisabled": True})
        client.send("Network.setBypassServiceWorker", {"bypass": True})
        received = {"bytes": 0.0}

        def count(event: dict[str, float]) -> None:
            received["bytes"] += event["encodedDataLength"]

        client.on("Network.loadingFinished", count)
        began = time.perf_counter()
        page.goto(bench.arbor.url)
        page.get_by_role("heading", name="Machines").wait_for()
        seen = (time.perf_counter() - began) * 1000
        painted = page.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
        )
    return Measure(
        {"seen": seen, "painted": float(painted), "transferred": received["bytes"] / 1024}
    )


def _echo(bench: Bench, browser: Browser) -> dict[str, Measure]:
    quiet, painted = _keys(bench, browser, "cat", KEYS, painted=True)
    # What echoes is the terminal, which the flood shares with the key.
    flooded, _ = _keys(bench, browser, STEADY_FLOOD, FLOODED_KEYS, painted=False)
    return {
        "echo": Measure(spread(quiet)),
        "painted": Measure(spread(painted)),
        "flooded": Measure(spread(flooded)),
    }


def _keys(
    bench: Bench, browser: Browser, script: str, count: int, *, painted: bool
) -> tuple[list[float], list[float]]:
    task = _start(bench, "--tty", "--shell", "--", script)
    with signed_in(bench, browser) as page:
        page.goto(f"{bench.arbor.url}/tasks/{task}")
        page.locator(ROWS).wait_for()
        page.locator(".xterm-helper-textarea").focus()
        page.wait_for_timeout(1_000)
        page.evaluate("arborWatchRows()")
        # Rare in what `yes` writes, and one byte, so that no frame cuts it.
        for number in range(count):
            key = "QZXJ"[number % 4]
            page.evaluate(f"void (window.arborEcho = arborExpect({key!r}, {str(painted).lower()}))")
            page.keyboard.press(key)
            page.evaluate("arborEcho")
        found = page.evaluate("arborFigures")
    bench.arbor.run("cancel", task)
    return list(found["echoed"]), list(found["painted"])


def _start(bench: Bench, *words: str) -> str:
    """A task's id."""
    started = bench.arbor.run("run", "--detach", *words)
    if started.returncode != 0:
        raise Faulty(started.stderr.decode())
    return started.stdout.decode().strip()


def _flood(bench: Bench, browser: Browser) -> dict[str, Measure]:
    with signed_in(bench, browser) as page:
        client = page.context.new_cdp_session(page)
        before = _heap(client)
        task = _start(bench, "--shell", "--", f"sleep 2; {FLOOD}")
        page.goto(f"{bench.arbor.url}/tasks/{task}")
        page.locator(ROWS).wait_for()
        page.evaluate("arborWatchFrames()")
        began = time.perf_counter()
        page.locator(ROWS, has_text=END).wait_for(timeout=FLOOD_MILLISECONDS)
        took = time.perf_counter() - began
        found = page.evaluate("arborFigures")
        after = _heap(client)
    flood = {
        "seconds": took,
        "longest": max(found["frames"]),
        "longTask": max(found["longTasks"], default=0.0),
        "heap": (after - before) / MIB,
    }
    opened = [_open_end(bench, browser, task) for _ in range(OPENINGS)]
    return {
        "flood": Measure(
            {**flood, **{f"frame-{k}": v for k, v in spread(found["frames"]).items()}}
        ),
        "open": Measure(spread(opened)),
    }


def _open_end(bench: Bench, browser: Browser, task: str) -> float:
    """Milliseconds from the click on a task in the list until its last line is on the screen."""
    with signed_in(bench, browser) as page:
        link = page.locator(f'a[href="/tasks/{task}"]').first
        link.wait_for()
        page.wait_for_timeout(500)
        return float(
            page.evaluate(
                """([task, end]) => {
                    arborFigures.pressed = performance.now();
                    const shown = arborShown(end);
                    document.querySelector(`a[href="/tasks/${task}"]`).click();
                    return shown;
                }""",
                [task, END],
            )
        )


def _heap(client: CDPSession) -> float:
    client.send("HeapProfiler.enable")
    client.send("HeapProfiler.collectGarbage")
    return float(client.send("Runtime.getHeapUsage")["usedSize"])


SCENARIO = Scenario(
    "page",
    "the page in Chromium",
    (
        Row("first load: transferred", "load", "transferred", "KiB"),
        Row("first load: first paint", "load", "painted", "ms"),
        Row("first load: machines shown", "load", "seen", "ms"),
        Row(
            "echo of a key, back in the page: p50",
            "echo",
            "p50",
            "ms",
            target=Target("T10: ≤ 5 ms", limit=5.0),
        ),
        Row(
            "echo of a key, back in the page: p99",
            "echo",
            "p99",
            "ms",
            target=Target("T10: ≤ 20 ms", limit=20.0),
        ),
        Row("echo of a key, drawn: p50", "painted", "p50", "ms"),
        Row("echo of a key, drawn: p99", "painted", "p99", "ms"),
        Row(
            "echo while the task floods: p99",
            "flooded",
            "p99",
            "ms",
            target=Target("T10: ≤ 100 ms", limit=100.0),
        ),
        Row("100 MB: until its last line is shown", "flood", "seconds", "s"),
        Row(
            "100 MB: longest frame",
            "flood",
            "longest",
            "ms",
            target=Target("T11: ≤ 100 ms", limit=100.0),
        ),
        Row("100 MB: frames, p50", "flood", "frame-p50", "ms"),
        Row("100 MB: longest task of the page", "flood", "longTask", "ms"),
        Row("100 MB: heap of the page grew by", "flood", "heap", "MiB"),
        Row(
            "its end shown after a click: p50",
            "open",
            "p50",
            "ms",
            target=Target("T11: ≤ 300 ms", limit=300.0),
        ),
    ),
    run,
)
