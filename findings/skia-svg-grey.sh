#!/usr/bin/env bash
# skia-python 144.1 (numpy 2.4.6).
# Guess: each of the colour names that SVG 1.1 lists gives its colour.
# Behaviour: of the two spellings with gray and grey one gives black: "lightgray" does, and so does "slategrey". Names
# with a capital letter are black as well.
# Seen, red green blue:
#   lightgray      0 0 0
#   lightgrey      211 211 211
#   slategray      112 128 144
#   slategrey      0 0 0
#   cornflowerblue 100 149 237
#   CornflowerBlue 0 0 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 skia-python==144.1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import skia

print("skia", skia.__version__)
start = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10">'
seen = {}
for name in ("lightgray", "lightgrey", "slategray", "slategrey", "cornflowerblue", "CornflowerBlue"):
    picture = f'{start}<rect width="10" height="10" fill="{name}"/></svg>'
    surface = skia.Surface(10, 10)
    surface.getCanvas().clear(skia.ColorWHITE)
    skia.SVGDOM.MakeFromStream(skia.MemoryStream(picture.encode())).render(surface.getCanvas())
    pixels = np.asarray(surface.toarray(colorType=skia.kRGBA_8888_ColorType))
    seen[name] = pixels[5, 5, :3].tolist()
    print(f"{name:14} {' '.join(map(str, seen[name]))}")
right = [seen[name] for name in ("lightgrey", "slategray", "cornflowerblue")]
black = [seen[name] for name in ("lightgray", "slategrey", "CornflowerBlue")]
assert right == [[211, 211, 211], [112, 128, 144], [100, 149, 237]]
assert black == [[0, 0, 0]] * 3, "the behaviour has changed"
PYTHON
