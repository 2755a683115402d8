"""Puts the web page into wheels and editable installs, and says what it contains of others."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

# pip asks for the metadata, and with it for what follows, before it compares `requires-python`.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(f"Arbor needs Python 3.11 or newer, and this is {sys.version.split()[0]}.")

sys.path.insert(0, str(Path(__file__).resolve().parent / "tools"))

import package_readme
import web_build


class WebPageHook(BuildHookInterface[Any]):
    """Builds `web/` before the wheel's files are collected."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node.js itself, only where it is needed and the machine has none."""
        if web_build.is_skipped() or web_build.is_current() or web_build.system_node():
            return []
        return [web_build.NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page.

        Raises:
            WebBuildError: it cannot be built.
        """
        if not web_build.is_skipped():
            web_build.build()


class PackageMetadata(MetadataHookInterface):
    """What the metadata has beside `pyproject.toml`."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the README. The page's licenses have to be a file by now: the metadata lists it
        before the page is built (hatchling 1.27, `CoreMetadata.license_files`)."""
        text = Path(self.root, "README.md").read_text("utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": package_readme.readme(text),
        }
        web_build.ensure_licenses()
