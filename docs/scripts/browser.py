"""A headless Chromium that turns figures into SVG and pages into PNG."""

import base64
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

_DRAW = """
const [figure, size, done] = arguments;
const place = document.createElement('div');
document.body.append(place);
const layout = {...figure.layout, ...size, autosize: false};
Plotly.newPlot(place, figure.data, layout, {staticPlot: true})
  .then(() => Plotly.toImage(place, {format: 'svg', ...size}))
  .then(url => { place.remove(); done(url); });
"""
_SVG_URL = "data:image/svg+xml,"


class Browser:
    """Chromium, as a context manager; Chromium and its driver must be installed."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        options = webdriver.ChromeOptions()
        options.binary_location = _installed("chromium")
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
            options.add_argument(argument)
        self._chrome = webdriver.Chrome(options=options, service=Service(_installed("chromedriver")))
        self._chrome.set_script_timeout(120)
        self._blank = Path(self._folder.name) / "blank.html"
        self._blank.write_text(f"<!doctype html><meta charset=utf-8><script>{get_plotlyjs()}</script>")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._chrome.quit()
        self._folder.cleanup()

    def svg(self, figure: go.Figure, width: int, height: int) -> str:
        """A figure as SVG.

        Args:
            figure: to be drawn.
            width: pixels.
            height: pixels.
        """
        if not self._chrome.current_url.endswith(self._blank.name):
            self._chrome.get(self._blank.as_uri())
        drawn = json.loads(figure.to_json())
        url = self._chrome.execute_async_script(_DRAW, drawn, {"width": width, "height": height})
        return unquote(str(url).removeprefix(_SVG_URL))

    def png(self, page: Path | str, width: int, height: int, prepare: str = "") -> bytes:
        """The top of a page as PNG.

        Args:
            page: a file, or HTML.
            width: of the window, pixels.
            height: of what is shown, pixels.
            prepare: a script to run before the picture is taken.
        """
        if isinstance(page, str):
            file = Path(self._folder.name) / "page.html"
            file.write_text(page)
            page = file
        self._window(width, height)
        self._chrome.get(page.as_uri())
        self._chrome.execute_async_script(f"const done = arguments[0]; {prepare}; setTimeout(done, 1500);")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot: dict[str, Any] = self._chrome.execute_cdp_cmd(
            "Page.captureScreenshot", {"format": "png", "clip": clip, "captureBeyondViewport": True}
        )
        return base64.b64decode(shot["data"])

    def _window(self, width: int, height: int) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def _installed(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise SystemExit(f"{program} is not installed; on Debian: apt-get install chromium chromium-driver")
    return found
