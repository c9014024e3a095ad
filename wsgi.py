"""The WSGI entry."""

from talentbank import create_app

app = create_app()
