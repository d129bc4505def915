"""Which Chromium do the tests of the pages use? Run as a script, it gets one where there is none.

CHROMIUM names one; else one of the machine, else the one of Playwright.
"""

import os
import shutil
import subprocess
import sys

NAMES = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
]


def chromium():
    """The path of a Chromium or Chrome, or None."""
    from playwright.sync_api import sync_playwright

    if asked := os.environ.get("CHROMIUM"):
        return asked
    if path := next(filter(None, map(shutil.which, NAMES)), None):
        return path
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if os.path.exists(path) else None


def main():
    if chromium():
        return
    print("No Chromium or Chrome here: asking Playwright for one (150 MB)", flush=True)
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    if not chromium():
        print(
            "It could not be had: the tests of the pages are left out. Install Chromium or Chrome, "
            "or say where one is: CHROMIUM=..."
        )


if __name__ == "__main__":
    main()
