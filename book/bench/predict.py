"""How long does it take from the command to the answer, for a picture of one digit: by a script of
four lines, and by `digitlib predict`?

The script loads the same network, and shrinks the picture; `digitlib predict` looks for digits on
the paper, and warns where it is not sure.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import measuring

SEEDS = 5
SCRIPT = """
import sys, keras, numpy; from PIL import Image
model = keras.saving.load_model(sys.argv[1])
image = numpy.array(Image.open(sys.argv[2]).convert("L").resize((28, 28)))
print(model.predict(1 - image[None] / 255, verbose=0)[0, :10].argmax())
"""


def plain(seed):
    return answered(seed, "-c", SCRIPT, "reader.keras", "digit.png")


def ours(seed):
    return answered(seed, "-m", "digitlib", "predict", "digit.png", "--json")


def answered(seed, *command):
    """Seconds that a command of Python took, and the digit that it named."""
    from PIL import Image

    from digitlib import models

    with tempfile.TemporaryDirectory() as folder:
        models.save(models.reader(), Path(folder, "reader.keras"))
        digit = Image.fromarray(255 - measuring.data.load().x_test[seed])
        digit.resize((280, 280)).save(Path(folder, "digit.png"))
        watch = measuring.stopwatch()
        call = [sys.executable, *command]
        said = subprocess.run(call, cwd=folder, capture_output=True, text=True, check=True).stdout
        seconds = watch()[0]
    found = json.loads(said)
    digit = found if isinstance(found, int) else found["pictures"][0]["digits"][0]["digit"]
    return {"seconds": seconds, "digit": digit}


if __name__ == "__main__":
    measuring.need_mnist()
    measuring.keep("predict", measuring.in_turn(SEEDS, plain=plain, ours=ours))
