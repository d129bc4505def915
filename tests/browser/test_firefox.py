"""Do the pages that do something do it in Firefox, too?

Firefox is driven over Marionette, which it brings along: no driver to install. FIREFOX names the
program; without it, and with none on the path, there is nothing to test with.
"""

import base64
import json
import os
import shutil
import socket
import subprocess
import time

import numpy as np
import pytest
from support import WEB, sample, serving

from digitlib import clickable

pytestmark = pytest.mark.slow

DIGITS = sample()
PREFERENCES = """
user_pref("marionette.port", 0);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
"""


class Firefox:
    """A connection to Marionette: each message is its length, a colon, and JSON."""

    def __init__(self, port):
        self.stream = socket.create_connection(("127.0.0.1", port), timeout=60).makefile("rwb")
        self.receive()
        self.number = 0
        self.send("WebDriver:NewSession", capabilities={})

    def receive(self):
        length = b""
        while (byte := self.stream.read(1)) != b":":
            length += byte
        return json.loads(self.stream.read(int(length)))

    def send(self, command, **arguments):
        self.number += 1
        message = json.dumps([0, self.number, command, arguments]).encode()
        self.stream.write(b"%d:" % len(message) + message)
        self.stream.flush()
        _, _, error, result = self.receive()
        assert error is None, error
        return result

    def goto(self, url):
        self.send("WebDriver:Navigate", url=url)

    def run(self, script, *given):
        return self.send("WebDriver:ExecuteScript", script=script, args=given)["value"]

    def press(self, keys):
        element = self.send("WebDriver:GetActiveElement")["value"]
        self.send("WebDriver:ElementSendKeys", id=next(iter(element.values())), text=keys)

    def until(self, script):
        end = time.monotonic() + 20
        while not self.run(script):
            assert time.monotonic() < end, script
            time.sleep(0.05)

    def stroke(self, points):
        """A line drawn with the mouse, points from the left upper corner of the window."""
        (x, y), *rest = points
        actions = [{"type": "pointerMove", "duration": 0, "x": x, "y": y}]
        actions += [{"type": "pointerDown", "button": 0}]
        actions += [{"type": "pointerMove", "duration": 30, "x": x, "y": y} for x, y in rest]
        actions += [{"type": "pointerUp", "button": 0}]
        mouse = {"type": "pointer", "id": "mouse", "actions": actions}
        mouse["parameters"] = {"pointerType": "mouse"}
        self.send("WebDriver:PerformActions", actions=[mouse])


@pytest.fixture(scope="module")
def firefox(tmp_path_factory):
    asked = os.environ.get("FIREFOX")
    program = asked or shutil.which("firefox-esr") or shutil.which("firefox")
    if not program:
        pytest.skip("no Firefox is installed (apt-get install firefox-esr); FIREFOX names another")
    profile = tmp_path_factory.mktemp("firefox")
    (profile / "user.js").write_text(PREFERENCES)
    command = [program, "--headless", "--no-remote", "--profile", str(profile), "--marionette"]
    environment = {**os.environ, "HOME": str(profile)}
    running = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        port, end = profile / "MarionetteActivePort", time.monotonic() + 60
        while not port.exists() or not port.read_text():
            assert running.poll() is None, f"{program} stopped"
            assert time.monotonic() < end, f"{program} opened no port"
            time.sleep(0.1)
        yield Firefox(int(port.read_text()))
    finally:
        running.terminate()
        running.wait(timeout=30)


@pytest.mark.parametrize("door", ["http", "file"])
def test_a_drawing_is_read(firefox, door):
    with serving(WEB) as address:
        firefox.goto(f"{address if door == 'http' else WEB.as_uri() + '/'}index.html")
        left, top, side = firefox.run(
            "const box = document.querySelector('.draw-canvas').getBoundingClientRect();"
            "return [box.left, box.top, box.width];"
        )
        seven = [(0.3, 0.2), (0.5, 0.2), (0.7, 0.2), (0.6, 0.5), (0.45, 0.85)]
        firefox.stroke([(round(left + x * side), round(top + y * side)) for x, y in seven])
        said = "document.querySelector('.draw-said').textContent"
        firefox.until(f"return {said}.startsWith('The network reads a 7')")


def test_a_digit_of_another_page(firefox):
    image = base64.urlsafe_b64encode(DIGITS.x_test[0].tobytes()).decode()
    firefox.goto(f"{(WEB / 'index.html').as_uri()}#image={image}")
    firefox.until(
        "return document.querySelector('.draw-said').textContent.match(/network (reads|is not sure|takes)/)"
    )
    seen = firefox.run(
        "return [...document.querySelector('.draw-found canvas').getContext('2d')"
        ".getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 3)"
    )
    assert seen == DIGITS.x_test[0].ravel().tolist()


def test_the_matrix_by_keyboard(firefox, tmp_path):
    labels = DIGITS.y_test
    answers = labels.copy()
    answers[(labels == 4).argmax()] = 9
    probabilities = np.eye(10)[answers] * 0.9 + 0.01
    shown = clickable.matrix(labels, {"one": probabilities}, DIGITS.x_test)
    (tmp_path / "page.html").write_text(f'<!DOCTYPE html><meta charset="utf-8">{shown.data}')
    firefox.goto((tmp_path / "page.html").as_uri())
    title = "document.querySelector('h3')?.textContent"
    firefox.until(f"return {title}")
    assert firefox.run(f"return {title}") == "Label 4, read as 9: 1 image"
    firefox.run("document.querySelector('[aria-pressed=true]').focus()")
    firefox.press("\ue012")  # the left arrow
    assert firefox.run(f"return {title}") == "Label 4, read as 8: 0 images"


def test_a_network_learns(firefox, served):
    firefox.goto(f"{served}train/index.html")
    root = "document.querySelector('[data-live=train]').dataset"
    firefox.until(f"return '' === {root}.ready")
    assert firefox.run(f"return {root}.steps") == "0"
    firefox.run("document.querySelector('[data-do=play]').click()")
    firefox.until(f"return Number({root}.accuracy) > 0.9")
    firefox.run("document.querySelector('[data-do=play]').click()")
    said = "document.querySelector('.train-said').textContent"
    firefox.until(f"return {said}.includes('held-out digits are read')")
