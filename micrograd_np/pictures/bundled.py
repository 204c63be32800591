"""Draws with the Graphviz inside pygraphviz; `render` runs this file in a process of its own.

Reads DOT source from stdin and writes the picture, in the format given as argument, to stdout. It imports nothing of
micrograd_np, so that it starts quickly.
"""

import sys

import pygraphviz


def main(format: str) -> None:
    """Write to stdout the picture of the DOT source on stdin."""
    graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
    sys.stdout.buffer.write(graph.draw(format=format, prog="dot"))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Exception as error:  # noqa: BLE001 - the parent shows this one line, not a traceback
        sys.exit(" ".join(str(error).split()) or type(error).__name__)
