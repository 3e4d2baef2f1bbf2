#!/bin/sh
# Makes the Python environment of the comparison with MLServer: pinned packages from PyPI, in .throughline/mlserver (about 600 MB, two minutes).
# Without it `npm run bench` skips that comparison and says so.
set -eu
cd "$(dirname "$0")/../../.."
home=.throughline/mlserver
python3 -m venv "$home/venv"
"$home/venv/bin/pip" install --quiet --disable-pip-version-check --requirement tools/bench/mlserver/requirements.txt
echo "MLServer is in $home; run: npm run bench -- mlserver"
