#!/usr/bin/env bash
# PyMuPDF 2.0 (pillow 13.0.0, CairoSVG 2.9.1 beside it).
# Guess: an SVG picture opened as a document shows what a browser shows, for the little that a graph picture needs.
# Behaviour: what stands inside a link <a>, as Graphviz writes a node with a URL or a tooltip, is left out; dashes are
# drawn as a whole line; what has display="none" is drawn; and "transparent" is black. Nothing warns of it.
# Seen, pixels that are not white among 100 x 100:
#   plain        CairoSVG 10000  PyMuPDF 10000
#   in a link    CairoSVG 10000  PyMuPDF     0
#   dashes       CairoSVG   500  PyMuPDF  1000
#   display none CairoSVG     0  PyMuPDF 10000
#   transparent  CairoSVG     0  PyMuPDF 10000
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q pymupdf==2.0 pillow==13.0.0 CairoSVG==2.9.1
"$folder/venv/bin/python" - <<'PYTHON'
import io

import cairosvg
import pymupdf
from PIL import Image

print("pymupdf", pymupdf.__version__, "cairosvg", cairosvg.__version__)
square = '<rect width="100" height="100" fill="{}"/>'
pictures = {
    "plain": square.format("red"),
    "in a link": f'<a xlink:href="a.html" xlink:title="a">{square.format("red")}</a>',
    "dashes": '<path d="M0,50 L100,50" fill="none" stroke="red" stroke-width="10" stroke-dasharray="5,5"/>',
    "display none": f'<g display="none">{square.format("red")}</g>',
    "transparent": square.format("transparent"),
}
start = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="100" height="100">'


def marked(image):
    return sum(value < 128 for value in image.getchannel("G").tobytes())


seen = {}
for name, body in pictures.items():
    svg = f"{start}{body}</svg>".encode()
    peer = Image.open(io.BytesIO(cairosvg.svg2png(bytestring=svg, background_color="white"))).convert("RGB")
    pixels = pymupdf.open(stream=svg, filetype="svg")[0].get_pixmap()
    seen[name] = marked(peer), marked(Image.frombytes("RGB", (pixels.width, pixels.height), pixels.samples))
    print(f"{name:12} CairoSVG {seen[name][0]:5}  PyMuPDF {seen[name][1]:5}")
assert seen["plain"] == (10000, 10000) and [a for a, _ in seen.values()] == [10000, 10000, 500, 0, 0]
assert [b for _, b in seen.values()] == [10000, 0, 1000, 10000, 10000], "the behaviour has changed"
PYTHON
