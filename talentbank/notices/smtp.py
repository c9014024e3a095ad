"""Flask-Mailman's SMTP backend, with the server's certificate checked on STARTTLS too (1.1.1 leaves that out)."""

from __future__ import annotations

import smtplib
import ssl
from typing import Any

from flask_mailman.backends import smtp


class _Checked(smtplib.SMTP):
    def starttls(self, *_args: Any, **_kwargs: Any) -> Any:
        return super().starttls(context=ssl.create_default_context())


class EmailBackend(smtp.EmailBackend):  # type: ignore[misc]
    """Sends by SMTP; Flask-Mailman looks for this name."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return smtplib.SMTP_SSL if self.use_ssl else _Checked
