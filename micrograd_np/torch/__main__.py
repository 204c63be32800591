"""``python -m micrograd_np.torch train.py``: run a script that says ``import torch``, unmodified, on this package."""

import argparse
import runpy
import sys
from pathlib import Path

from .stand_in import install


def main() -> None:
    """Run a script, or with ``-m`` a module, as ``__main__``; what follows its name are its own arguments."""
    parser = argparse.ArgumentParser(prog="python -m micrograd_np.torch", description=__doc__)
    parser.add_argument("-m", dest="module", action="store_true", help="the name is that of a module")
    parser.add_argument("script", help="the script, which may say `import torch`")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="its own arguments")
    options = parser.parse_args()
    if not options.module and not Path(options.script).exists():
        parser.error(f"there is no file {options.script!r}.")
    install()
    sys.argv = [options.script, *options.arguments]
    if options.module:
        runpy.run_module(options.script, run_name="__main__", alter_sys=True)
        return
    sys.path[0] = str(Path(options.script).resolve().parent)
    runpy.run_path(options.script, run_name="__main__")


if __name__ == "__main__":
    main()
