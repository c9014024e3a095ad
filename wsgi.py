"""The WSGI entry. A setting that the bank can't start with is said in one sentence, with exit code 2."""

import sys

import click

from talentbank import create_app
from talentbank.config import SettingError

BOOT_ERROR = 3
"""What gunicorn's workers end with when there is no use in starting another."""

try:
    app = create_app()
except SettingError as refused:
    sys.stderr.write(f"{refused}\n")
    raise SystemExit(2 if click.get_current_context(silent=True) else BOOT_ERROR) from None
