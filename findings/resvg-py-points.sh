#!/usr/bin/env bash
# resvg_py 0.5.0 (pillow 13.0.0).
# Guess: with dpi left out, which its documentation calls the default of SVG, a length in points is 4 / 3 pixels.
# Behaviour: every length in points or inches is 0: a square vanishes, and a picture as Graphviz writes it, with its
# width in points, is refused as one of an invalid size. dpi=96 gives what a browser shows.
# Seen, red pixels in a row:
#   a square of 72px  without dpi 72  dpi=96 72
#   a square of 72pt  without dpi 0  dpi=96 96
#   a picture of 72pt without dpi ValueError: SVG has an invalid size  dpi=96 96
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q pillow==13.0.0 resvg_py==0.5.0
"$folder/venv/bin/python" - <<'PYTHON'
import importlib.metadata
import io

import resvg_py
from PIL import Image

print("resvg_py", importlib.metadata.version("resvg_py"))
start, square = '<svg xmlns="http://www.w3.org/2000/svg"', '<rect width="{}" height="{}" fill="red"/></svg>'
pictures = {
    "a square of 72px": f'{start} width="100" height="100">{square.format("72px", "72px")}',
    "a square of 72pt": f'{start} width="100" height="100">{square.format("72pt", "72pt")}',
    "a picture of 72pt": f'{start} width="72pt" height="72pt" viewBox="0 0 72 72">{square.format(72, 72)}',
}


def width(svg, **options):
    try:
        data = bytes(resvg_py.svg_to_bytes(svg_string=svg, background="white", **options))
    except ValueError as error:
        return f"{type(error).__name__}: {error}"
    image = Image.open(io.BytesIO(data)).convert("RGB")
    return sum(image.getpixel((x, 10)) == (255, 0, 0) for x in range(image.width))


seen = {name: (width(svg), width(svg, dpi=96)) for name, svg in pictures.items()}
for name, (default, browser) in seen.items():
    print(f"{name:17} without dpi {default}  dpi=96 {browser}")
assert [browser for _, browser in seen.values()] == [72, 96, 96]
assert [default for default, _ in seen.values()] == [72, 0, "ValueError: SVG has an invalid size"], (
    "the behaviour has changed"
)
PYTHON
