"""The picture of the review page in docs/tutorials/better-labels.md.

python benchmarks/review_picture.py runs/first     # writes docs/tutorials/review-page.jpg

The run is the first one of that page; start it in the folder of the run's data. Needs Chromium.
The picture is of a copy of the run, so that no answer stays.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "review"))
from review_server import Server

IMAGE = Path(__file__).parents[1] / "docs/tutorials/review-page.jpg"
KEYS = ("y", "y", "y", "n")
"""Answered before the picture is taken."""
SIZE = (960, 675)


def main() -> None:
    """Answers a few suggestions of a class by the keyboard, and takes the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="The run to review.")
    given = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        run = Path(shutil.copytree(given.run, Path(folder, "run")))
        server = Server(run)
        try:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
            page.set_default_timeout(60_000)
            page.goto(f"{server.address}/?reviewer=ana")
            for key in KEYS:
                page.locator(".tile[data-current][data-shown]").first.wait_for()
                page.keyboard.press(key)
            expect(page.locator("#saved")).to_have_text("All answers saved")
            expect(page.locator(".tile:not([data-shown]):visible")).to_have_count(0)
            taken = Path(folder, "page.png")
            page.screenshot(path=taken)
            browser.close()
        finally:
            server.kill()
        with Image.open(taken) as picture:
            small = picture.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS)
        small.save(IMAGE, quality=80, optimize=True)
    print(f"{IMAGE}: {IMAGE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
