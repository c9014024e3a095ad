"""Enrolments: seats and waiting lists, three-party agreements, and statements of what was done."""
