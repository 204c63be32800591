#!/usr/bin/env bash
# CairoSVG 2.9.1 (pillow 13.0.0; resvg_py 0.5.0 beside it).
# Guess: a text with text-anchor="middle" stands in the middle of its place, also when a part of it is a tspan, to be
# bold or in a colour.
# Behaviour: each part is centred for itself, where the part before it ends: the text lies beside its place, and its
# parts overlap.
# Seen, middle of the marked pixels of a text whose place is 100:
#   HHHHHHHH     CairoSVG 100  resvg 100
#   HH + HHHHHH  CairoSVG 130  resvg 100
#   HHHHHH + HH  CairoSVG 128  resvg 100
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q pillow==13.0.0 CairoSVG==2.9.1 resvg_py==0.5.0
"$folder/venv/bin/python" - <<'PYTHON'
import io

import cairosvg
import resvg_py
from PIL import Image, ImageOps

print("cairosvg", cairosvg.__version__)
start = '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="60">'
texts = {"HHHHHHHH": "HHHHHHHH", "HH + HHHHHH": "HH<tspan>HHHHHH</tspan>", "HHHHHH + HH": "HHHHHH<tspan>HH</tspan>"}


def middle(data):
    left, _, right, _ = ImageOps.invert(Image.open(io.BytesIO(data)).convert("L")).getbbox()
    return (left + right) // 2


seen = {}
for name, text in texts.items():
    svg = f'{start}<text x="100" y="40" font-size="20" text-anchor="middle">{text}</text></svg>'
    png = cairosvg.svg2png(bytestring=svg.encode(), background_color="white")
    seen[name] = middle(png), middle(bytes(resvg_py.svg_to_bytes(svg_string=svg, background="white")))
    print(f"{name:12} CairoSVG {seen[name][0]}  resvg {seen[name][1]}")
assert [round(peer / 5) for _, peer in seen.values()] == [20] * 3 and seen["HHHHHHHH"][0] == 100
assert all(seen[name][0] > 120 for name in list(texts)[1:]), "the behaviour has changed"
PYTHON
