#!/bin/sh
# Prints the first Python that can make the environment: 3.11 or later, with venv and pip.
# Candidates are tried by running them: a version manager's shim may be on PATH and still refuse to start.
# $PYTHON, when set, is the only candidate.
found=
for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
    version=$("$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null </dev/null) || continue
    found="$found $name=$version"
    "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 </dev/null || continue
    command -v "$name"
    exit 0
done
{
    echo "error: no Python 3.11 or later with venv and pip was found (tried: ${PYTHON:-python3, python3.11 to python3.14, python};" \
        "these run:${found:- none})."
    echo "Install one (Debian, Ubuntu: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python3.11"
} >&2
exit 2
