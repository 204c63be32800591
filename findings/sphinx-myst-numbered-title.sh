#!/usr/bin/env bash
# Sphinx 9.0.4 with myst-parser 5.2.0.
# Guess: a title that has a translation in the catalogue is shown in that language.
# Behaviour: a translation that begins with a number and a full stop is read as a list; the title stays as it was, and
# no warning says so, not even with -W. With a backslash before the full stop it is translated.
# Seen:
#   msgstr "1. Ein Teil"    <h1>1. A part</h1>
#   msgstr "1\\. Ein Teil"  <h1>1. Ein Teil</h1>
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q sphinx==9.0.4 myst-parser==5.2.0
mkdir -p "$folder/docs/locale/de/LC_MESSAGES"
cd "$folder/docs"
printf '# 1. A part\n\nText.\n' > index.md
printf 'extensions = ["myst_parser"]\nlanguage = "de"\nlocale_dirs = ["locale"]\n' > conf.py
title() { # MSGSTR: the title of the built page
    printf 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "1. A part"\nmsgstr "%s"\n' "$1" \
        > locale/de/LC_MESSAGES/index.po
    rm -rf "$folder/out" && "$folder/venv/bin/python" -m sphinx -q -W -E . "$folder/out"
    grep -o '<h1>[^<]*' "$folder/out/index.html"
}
plain=$(title '1. Ein Teil')
escaped=$(title '1\\\\. Ein Teil')
"$folder/venv/bin/python" -m sphinx --version
echo "msgstr \"1. Ein Teil\"    $plain"
echo "msgstr \"1\\\\. Ein Teil\"  $escaped"
[ "$plain" = "<h1>1. A part" ] && [ "$escaped" = "<h1>1. Ein Teil" ] || { echo "the behaviour has changed" >&2; exit 1; }
