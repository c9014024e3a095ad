"""Practice: enrolments, logs with evidence, verification, credit."""
