"""Takes pictures of every view of the page: `python tools/screenshots.py [--docs] [NAME…]`.

Into `test-results/screenshots/`, in light, dark and on a phone; with `--docs` the few that the
documentation shows, into `docs/images/`. NAME: only views whose name begins with it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from screenshot_story import Story, tell

BROWSERS: Final = ("chromium-headless-shell", "chromium")
ROOT: Final = Path(__file__).parent.parent
EVERYTHING: Final = ROOT / "test-results" / "screenshots"
DOCS: Final = ROOT / "docs" / "images"
DESK: Final[dict[str, Any]] = {"viewport": {"width": 1360, "height": 860}}
LOOKS: Final[Mapping[str, dict[str, Any]]] = {
    "light": {**DESK, "color_scheme": "light"},
    "dark": {**DESK, "color_scheme": "dark"},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "is_mobile": True,
        "has_touch": True,
        "color_scheme": "light",
    },
}
IN_DOCS: Final = frozenset(
    f"{view}-{look}" for view in ("overview", "task", "terminal") for look in LOOKS
)
SETTLED_MS: Final = 1_500
"""For output to be drawn; nothing in a page says that it will not change any more."""


def _nothing(_page: Page) -> None:
    pass


@dataclass(frozen=True, slots=True)
class View:
    """An address, with ids of the story in braces, and what is done there before the picture."""

    address: str
    prepare: Callable[[Page], None] = _nothing


def _search_with_times(page: Page) -> None:
    page.keyboard.press("t")
    page.keyboard.press("/")
    page.keyboard.type("checkpoints")
    page.keyboard.press("Enter")


def _open_palette(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.get_by_role("textbox", name="Go to or do anything").fill("gpu")


def _write_command(page: Page) -> None:
    page.get_by_role("textbox", name="Command").fill("make -j8 'CFLAGS=-O2 -g' test")


def _press(key: str) -> Callable[[Page], None]:
    return lambda page: page.keyboard.press(key)


STRANGER: Final = {"sign-in": View("/")}
EMPTY: Final = {"overview-empty": View("/"), "connect-first": View("/connect")}
VIEWS: Final = {
    "overview": View("/", _write_command),
    "tasks": View("/tasks"),
    "tasks-failed": View("/tasks?status=failed"),
    "workspace": View("/workspaces/{gpu-box}"),
    "workspace-unreachable": View("/workspaces/{field-pi}"),
    "connect": View("/connect"),
    "task": View("/tasks/{training}"),
    "task-search": View("/tasks/{training}", _search_with_times),
    "task-failed": View("/tasks/{failed}"),
    "task-gap": View("/tasks/{gap}?at={gap-at}"),
    "task-lost": View("/tasks/{lost}"),
    "task-cancel": View("/tasks/{server}", _press("x")),
    "task-unreachable": View("/tasks/{sensors}"),
    "terminal": View("/workspaces/{gpu-box}/terminals?task={editor}"),
    "terminals-top": View("/workspaces/{gpu-box}/terminals?task={top}"),
    "health": View("/health"),
    "settings": View("/settings"),
    "settings-account": View("/settings#account"),
    "settings-tokens": View("/settings#tokens"),
    "settings-machines": View("/settings#machines"),
    "settings-users": View("/settings#users"),
    "device": View("/device?code={device}"),
    "palette": View("/tasks", _open_palette),
    "keys": View("/tasks/{training}", _press("?")),
    "not-found": View("/there-is-no-such-page"),
}
AWAY: Final = {"reconnecting": View("/"), "task-reconnecting": View("/tasks/{training}")}


class Photographer:
    """Takes pictures of the views that are wanted."""

    def __init__(self, browser: Browser, story: Story, folder: Path, wanted: Wanted) -> None:
        self._browser = browser
        self._story = story
        self._folder = folder
        self._wanted = wanted

    def take(
        self, views: Mapping[str, View], places: Mapping[str, str], *, signed_in: bool = True
    ) -> None:
        """Every wanted view in every look, one after the other."""
        for look in LOOKS:
            named = self._named(views, look)
            if named:
                context = self._context(look, signed_in=signed_in)
                for name, view in named.items():
                    page = self._open(context, view, places)
                    self._shoot(page, view, name)
                    page.close()
                context.close()

    def take_after(
        self, views: Mapping[str, View], places: Mapping[str, str], event: Callable[[], None]
    ) -> None:
        """Views that were open when something happened."""
        opened: dict[str, tuple[View, Page]] = {}
        for look in LOOKS:
            for name, view in self._named(views, look).items():
                context = self._context(look, signed_in=True)
                opened[name] = view, self._open(context, view, places)
        event()
        for name, (view, page) in opened.items():
            self._shoot(page, view, name)
            page.context.close()

    def _named(self, views: Mapping[str, View], look: str) -> dict[str, View]:
        named = {f"{name}-{look}": view for name, view in views.items()}
        return {name: view for name, view in named.items() if self._wanted(name)}

    def _context(self, look: str, *, signed_in: bool) -> BrowserContext:
        context = self._browser.new_context(reduced_motion="reduce", **LOOKS[look])
        if signed_in:
            page = context.new_page()
            page.goto(self._story.sign_in_link())
            page.get_by_role("navigation").first.wait_for()
            page.close()
        return context

    def _open(self, context: BrowserContext, view: View, places: Mapping[str, str]) -> Page:
        page = context.new_page()
        page.goto(self._story.url + view.address.format(**places))
        page.wait_for_timeout(SETTLED_MS)
        return page

    def _shoot(self, page: Page, view: View, name: str) -> None:
        view.prepare(page)
        page.wait_for_timeout(SETTLED_MS)
        page.screenshot(path=self._folder / f"{name}.png")
        print(name)


class Wanted:
    """Which pictures are taken, by their names."""

    def __init__(self, beginnings: Sequence[str], *, docs: bool) -> None:
        self._beginnings = tuple(beginnings)
        self._docs = docs

    def __call__(self, name: str) -> bool:
        if self._docs and name not in IN_DOCS:
            return False
        return not self._beginnings or name.startswith(self._beginnings)


def _places(story: Story, tasks: Mapping[str, str]) -> dict[str, str]:
    workspaces = {name: machine.workspace_id for name, machine in story.machines.items()}
    (gap, *_others) = story.task(tasks["gap"])["gaps"]
    asked = {"client": "arbor", "hostname": "laptop"}
    device = story.post("/api/device/code", asked)["userCode"]
    near = str(max(0, int(gap["from"]) - 1_000))
    return {**workspaces, **tasks, "gap-at": near, "device": str(device)}


def main() -> int:
    """Tell the story and take its pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--docs", action="store_true")
    arguments = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        print("error: this needs Chromium: the package `chromium-headless-shell`", file=sys.stderr)
        return 1
    folder = DOCS if arguments.docs else EVERYTHING
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as root, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        story = Story(Path(root))
        camera = Photographer(browser, story, folder, Wanted(arguments.names, docs=arguments.docs))
        try:
            story.start_hub()
            camera.take(STRANGER, {}, signed_in=False)
            camera.take(EMPTY, {})
            places = _places(story, tell(story))
            camera.take(VIEWS, places)
            camera.take_after(AWAY, places, story.kill_hub)
            story.start_hub()
        finally:
            story.stop()
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
